//! Two layers held against each other, file by file in the order in which they lie in them.

use std::{
    io,
    io::Read,
    path::{Path, PathBuf},
};

/// One entry of a layer, as far as it can differ.
#[derive(PartialEq, Eq)]
struct File {
    path: String,
    kind: tar::EntryType,
    mode: u32,
    owner: (u64, u64),
    modified: u64,
    link: Option<PathBuf>,
    content: Vec<u8>,
}

fn files(layer: &[u8]) -> io::Result<Vec<File>> {
    let read = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        let header = entry.header();
        Ok(File {
            path: entry.path()?.display().to_string(),
            kind: header.entry_type(),
            mode: header.mode()?,
            owner: (header.uid()?, header.gid()?),
            modified: header.mtime()?,
            link: entry.link_name()?.map(Into::into),
            content,
        })
    };
    tar::Archive::new(layer).entries()?.map(read).collect()
}

/// The path of the first file in which two layers differ, and what about it does.
pub(super) fn first_differing_file(one: &[u8], other: &[u8]) -> io::Result<(String, String)> {
    let (mut ours, mut theirs) = (files(one)?.into_iter(), files(other)?.into_iter());
    loop {
        match (ours.next(), theirs.next()) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) if a.path == b.path => return Ok((a.path.clone(), what_differs(&a, &b))),
            (Some(a), Some(b)) => return Ok((a.path, format!("the other has {} in its place", b.path))),
            (Some(a), None) => return Ok((a.path, "the other ends before it".into())),
            (None, Some(b)) => return Ok((b.path, "only the other has it".into())),
            (None, None) => return Ok(("(the end)".into(), "the same files, padded in another way".into())),
        }
    }
}

fn what_differs(one: &File, other: &File) -> String {
    if one.kind != other.kind {
        return format!("{:?}, and {:?}", one.kind, other.kind);
    }
    if one.mode != other.mode {
        return format!("mode {:o}, and {:o}", one.mode, other.mode);
    }
    if one.owner != other.owner {
        return format!("owner {}:{}, and {}:{}", one.owner.0, one.owner.1, other.owner.0, other.owner.1);
    }
    if one.modified != other.modified {
        return format!("modified {} s after 1970, and {}", one.modified, other.modified);
    }
    if one.link != other.link {
        let target = |file: &File| file.link.as_deref().unwrap_or(Path::new("nothing")).display().to_string();
        return format!("a link to {}, and to {}", target(one), target(other));
    }
    let at = one.content.iter().zip(&other.content).position(|(a, b)| a != b);
    let at = at.unwrap_or_else(|| one.content.len().min(other.content.len()));
    format!("{} bytes, and {}; they differ from byte {at} on", one.content.len(), other.content.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layer of one file: its path, its mode, its time and its content.
    fn layer(files: &[(&str, u32, u64, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, mode, modified, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(*mode);
            header.set_mtime(*modified);
            header.set_uid(0);
            header.set_gid(0);
            builder.append_data(&mut header, path, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[rstest::rstest]
    #[case::content(&[("a", 0o644, 1, "one"), ("b", 0o644, 1, "other")], "b", "5 bytes, and 5; they differ from byte 2 on")]
    #[case::mode(&[("a", 0o600, 1, "one"), ("b", 0o644, 1, "otter")], "a", "mode 644, and 600")]
    #[case::time(&[("a", 0o644, 7, "one"), ("b", 0o644, 1, "otter")], "a", "modified 1 s after 1970, and 7")]
    #[case::missing(&[("a", 0o644, 1, "one")], "b", "the other ends before it")]
    #[case::order(&[("b", 0o644, 1, "otter"), ("a", 0o644, 1, "one")], "a", "the other has b in its place")]
    fn the_first_file_that_differs_is_named_with_what_differs(
        #[case] other: &[(&str, u32, u64, &str)],
        #[case] path: &str,
        #[case] what: &str,
    ) {
        let one = layer(&[("a", 0o644, 1, "one"), ("b", 0o644, 1, "otter")]);
        let (found, differs) = first_differing_file(&one, &layer(other)).unwrap();
        assert_eq!((found.as_str(), differs.as_str()), (path, what));
    }
}
