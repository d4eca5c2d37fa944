//! What a file's bytes say that it is, and what they tell of the place where it was built.

use std::{collections::BTreeSet, io, sync::LazyLock};

use aho_corasick::AhoCorasick;

use super::archive::Part;
use crate::observation::Program;

/// As much as tells an ELF file's program headers from all else: its header and more of them than any of ours has.
const HEAD_BYTES: u64 = 4096;
/// So much of what gives a build away is kept; more would hide the first.
const KEPT: usize = 5;
/// So many characters of each.
const SHOWN: usize = 80;

/// What a program that was built for a machine of its own does not hold: folders of builds and of people, vendored crates,
/// and what a stub of `nix/workspace.nix` says.
const OF_BUILDS: [&str; 8] =
    ["/build/", "/root/", "/home/", "/vendor/", "cargo-vendor-dir/", "/.cargo/", STUB, STORE];
/// The end of what a stub says: whole, it would make a stub of this program in the eyes of `nix/packages.nix`.
const STUB: &str = "a stub for building dependencies";
const STORE: &str = "/nix/store/";
static OF_BUILD: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(OF_BUILDS).ok());

/// Store paths that are only there to build something, by the beginning of their name without the hash.
const ONLY_TO_BUILD: [&str; 10] = [
    "rust",
    "cargo",
    "gcc",
    "crate-",
    "services-dependencies",
    "services-source",
    "patchelf",
    "python3",
    "fakeroot",
    "binutils",
];

/// Whether a store path of this name, without the hash, is only there to build something. The libraries of a compiler are
/// there to run what it made.
pub(crate) fn is_only_to_build(store_name: &str) -> bool {
    let library = store_name.ends_with("-lib") || store_name.ends_with("-libgcc");
    !library && ONLY_TO_BUILD.iter().any(|beginning| store_name.starts_with(beginning))
}

/// What a kernel would see in a file.
pub(super) fn of(file: Part<'_>) -> io::Result<Option<Program>> {
    let head = file.bytes(0, HEAD_BYTES)?;
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let interpreter = line.split_whitespace().next().unwrap_or_default().to_owned();
        return Ok(Some(Program::Script { interpreter }));
    }
    let Some(machine) = machine(&head) else { return Ok(None) };
    let loader = match place_of_loader(&head) {
        Some((offset, length)) => {
            let name = file.bytes(offset, length)?;
            Some(String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned())
        }
        None => None,
    };
    Ok(Some(Program::Elf { machine, loader }))
}

pub(super) fn is_elf(program: Option<&Program>) -> bool {
    matches!(program, Some(Program::Elf { .. }))
}

/// The machine's number, in the byte order that the file has.
fn machine(head: &[u8]) -> Option<u16> {
    let order = *head.strip_prefix(b"\x7fELF")?.get(1)?;
    let number = [*head.get(18)?, *head.get(19)?];
    Some(if order == 2 { u16::from_be_bytes(number) } else { u16::from_le_bytes(number) })
}

/// Offset and length of the loader's name (`PT_INTERP`), in bytes, of a 64-bit little-endian file. See elf(5).
fn place_of_loader(head: &[u8]) -> Option<(u64, u64)> {
    const INTERPRETER: u32 = 3;
    let short = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
    if head.get(4..6)? != [2, 1] {
        return None;
    }
    let (first, each, count) = (usize::try_from(long(32)?).ok()?, usize::from(short(54)?), short(56)?);
    let headers = (0..usize::from(count)).map(|index| first.saturating_add(each * index));
    let is_loader = |at: &usize| head.get(*at..*at + 4) == Some(&INTERPRETER.to_le_bytes()[..]);
    let at = headers.into_iter().find(is_loader)?;
    Some((long(at + 8)?, long(at + 32)?.min(HEAD_BYTES)))
}

/// What a program of ours tells of its build, each once.
pub(super) fn of_its_build(file: Part<'_>) -> io::Result<Vec<String>> {
    Ok(named_in(&file.all()?))
}

fn named_in(bytes: &[u8]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for matched in OF_BUILD.iter().flat_map(|of_build| of_build.find_iter(bytes)) {
        let from = &bytes[matched.start()..];
        let is_name = |byte: &&u8| byte.is_ascii_graphic() || **byte == b' ';
        let name: Vec<u8> = from.iter().take(SHOWN).take_while(is_name).copied().collect();
        let name = String::from_utf8_lossy(&name).into_owned();
        let in_store = name.strip_prefix(STORE).and_then(|name| name.get(33..));
        let runs = name.starts_with(STORE) && !in_store.is_some_and(is_only_to_build);
        if !runs {
            found.insert(name);
        }
    }
    found.into_iter().take(KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_builds_is_told_from_what_also_runs() {
        for name in ["rust-1.95.0", "gcc-wrapper-14", "cargo-vendor-dir", "crate-api", "python3-3.11"] {
            assert!(is_only_to_build(name), "{name}");
        }
        for name in ["glibc", "gcc-14.2.0-lib", "xgcc-14-libgcc", "bash", "account-api", "redis"] {
            assert!(!is_only_to_build(name), "{name}");
        }
    }

    #[test]
    fn a_programs_text_gives_its_build_away_and_not_what_it_is_linked_to() {
        let text = b"\0/nix/store/37gba7da8kdksjipis9rfw8dmps02yvc-glibc/lib\0/build/vendor/a-1/src/lib.rs\0vendor/a-1\0";
        assert_eq!(named_in(text), ["/build/vendor/a-1/src/lib.rs"]);
        let text = b"x/nix/store/37gba7da8kdksjipis9rfw8dmps02yvc-gcc-12/include\n/home/jo/x.rs\n";
        let found = ["/home/jo/x.rs", "/nix/store/37gba7da8kdksjipis9rfw8dmps02yvc-gcc-12/include"];
        assert_eq!(named_in(text), found);
        assert_eq!(named_in(b"this is a stub for building dependencies\n").len(), 1);
        assert_eq!(named_in(b"vendor/arc-swap-1.9.3/src/lib.rs"), Vec::<String>::new());
    }

    #[test]
    fn the_machine_of_an_elf_file_is_read_in_the_files_own_byte_order() {
        let mut head = vec![0; 64];
        head[..6].copy_from_slice(b"\x7fELF\x02\x01");
        head[18] = 62;
        assert_eq!(machine(&head), Some(62));
        (head[5], head[18], head[19]) = (2, 0, 62);
        assert_eq!(machine(&head), Some(62));
        assert_eq!(machine(b"\x7fELF"), None);
        assert_eq!(machine(b"#!/bin/sh"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_strange(mut head in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            machine(&head);
            place_of_loader(&head);
            for (at, byte) in b"\x7fELF\x02\x01".iter().enumerate().take(head.len()) {
                head[at] = *byte;
            }
            machine(&head);
            place_of_loader(&head);
            named_in(&head);
        }
    }
}
