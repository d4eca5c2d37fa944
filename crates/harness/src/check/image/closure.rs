//! What an image is made of: no more than its budget, and nothing that was only there to build it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, ImageArchive, Ruled, of, of_each, read};
use crate::{
    images::is_only_to_build,
    observation::{ContainerImages, Entry},
};

/// The most bytes that all layers of an image have together. Room for what Nixpkgs' packages draw in over Debian's, and
/// for as much again of our own; not for a compiler or a second libc.
const BUDGETS: [(&str, u64); 8] = [
    ("api", 60_000_000),
    ("worker", 60_000_000),
    ("web", 60_000_000),
    ("proxy", 120_000_000),
    ("postgres", 300_000_000),
    ("redis", 120_000_000),
    ("image-store", 120_000_000),
    ("toolbox", 100_000_000),
];
/// So many store paths are blamed.
const BLAMED: usize = 3;

pub(super) fn checks() -> Vec<Check> {
    let expected: Vec<String> =
        BUDGETS.iter().map(|(name, bytes)| format!("{name} {} MB", bytes / 1_000_000)).collect();
    vec![
        of(
            "size",
            "no image is larger than its budget; where one is, the largest store paths are named",
            &format!("at most: {}", expected.join(", ")),
            |images| {
                let wrong = read(images)
                    .filter_map(|(name, image)| Some(format!("{name}: {}", excess(name, image)?)));
                let sizes =
                    read(images).map(|(name, image)| format!("{name} {} MB", image.size_bytes / 1_000_000));
                Ruled { wrong: wrong.collect(), looked_at: sizes.collect::<Vec<_>>().join(", ") }
            },
        ),
        of_each(
            "build_paths",
            "nothing in an image is left of its build, and our own programs name no place of one and are no stubs",
            "no store path of a compiler, of crates or of stubs; no /build, /root, /home or vendored crate's path",
            |_, image| build_paths(image),
        ),
        of(
            "sbom",
            "the bill of materials of each image names every store path in it, and crates of ours where a program is",
            "CycloneDX 1.6 in sbom/ beside the archives, with no store path missing",
            not_in_bills,
        ),
    ]
}

/// What is in images, and in no bill of materials of theirs.
fn not_in_bills(images: &ContainerImages) -> Ruled {
    let (mut wrong, mut named) = (Vec::new(), 0);
    for (name, image) in read(images) {
        let bill = match images.bills.get(name) {
            Some(Ok(bill)) => bill,
            Some(Err(why)) => {
                wrong.push(why.clone());
                continue;
            }
            None => {
                wrong.push(format!("{name} has no bill of materials"));
                continue;
            }
        };
        let paths: BTreeSet<&str> = image.entries.iter().filter_map(Entry::store_path).collect();
        named += paths.len();
        let missing = paths.into_iter().filter(|path| !bill.store_paths.contains(*path));
        wrong.extend(missing.map(|path| format!("{name}: {path} is not in it")));
        let ours = image.entries.iter().find(|entry| entry.program.is_some() && entry.store_path().is_none());
        if let Some(program) = ours.filter(|_| bill.applications.is_empty()) {
            wrong.push(format!("{name}: {} is a program, and no crate of ours is in it", program.path));
        }
    }
    Ruled { wrong, looked_at: format!("{named} store paths of {} images", images.archives.len()) }
}

/// By how much an image is over its budget, and what takes the room.
fn excess(name: &str, image: &ImageArchive) -> Option<String> {
    let Some((_, budget)) = BUDGETS.iter().find(|(known, _)| *known == name) else {
        return Some("it has no budget; give it one in check/image/closure.rs".into());
    };
    if image.size_bytes <= *budget {
        return None;
    }
    let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &image.entries {
        *sizes.entry(entry.store_path().unwrap_or(&entry.path)).or_default() += entry.size_bytes;
    }
    let mut sizes: Vec<(&str, u64)> = sizes.into_iter().collect();
    sizes.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let blamed: Vec<String> =
        sizes.iter().take(BLAMED).map(|(path, bytes)| format!("{path} {bytes} bytes")).collect();
    Some(format!("{} bytes of {budget}; the largest: {}", image.size_bytes, blamed.join(", ")))
}

fn build_paths(image: &ImageArchive) -> Vec<String> {
    let only_built = image.entries.iter().filter(|entry| entry.store_name().is_some_and(is_only_to_build));
    let only_built: BTreeSet<&str> = only_built.filter_map(|entry| entry.store_path()).collect();
    let mut wrong: Vec<String> = only_built.into_iter().map(|path| format!("it holds {path}")).collect();
    for entry in &image.entries {
        wrong.extend(entry.of_its_build.iter().map(|named| format!("{} names `{named}`", entry.path)));
    }
    wrong
}
