//! Whether images are older than the sources they were built from.

use std::{fs, path::Path};

use sha2::{Digest, Sha256};

use super::Sources;

/// The files below `repository` that are not as the manifest says, each with what is wrong.
pub(super) fn changed_files(sources: &Sources, repository: &Path) -> Vec<String> {
    let mut changed = Vec::new();
    for (file, expected) in &sources.files {
        match fs::read(repository.join(file)) {
            Ok(bytes) if hex::encode(Sha256::digest(&bytes)) == *expected => {}
            Ok(_) => changed.push(format!("{file} has changed")),
            Err(_) => changed.push(format!("{file} is gone")),
        }
    }
    for root in &sources.roots {
        for file in files_below(repository, Path::new(root)) {
            if !sources.files.contains_key(&file) {
                changed.push(format!("{file} is new"));
            }
        }
    }
    changed
}

/// Every file below `root`, relative to `repository`, but for what editors, builds and the bootstrap leave there.
fn files_below(repository: &Path, root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(repository.join(root)) else {
        return files;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = root.join(&name);
        if is_ignored(&name) {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files.extend(files_below(repository, &path));
        } else {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    files
}

fn is_ignored(name: &str) -> bool {
    matches!(name, "target" | "debs.json" | "rust.json")
        || name.starts_with('.')
        || [".pending-snap", ".swp", "~", ".orig"].iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn repository() -> (tempfile::TempDir, Sources) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("crates/api/src")).unwrap();
        fs::write(folder.path().join("crates/api/src/main.rs"), "fn main() {}").unwrap();
        let sources = Sources {
            roots: vec!["crates/api".into()],
            files: BTreeMap::from([(
                "crates/api/src/main.rs".into(),
                hex::encode(Sha256::digest("fn main() {}")),
            )]),
        };
        (folder, sources)
    }

    #[test]
    fn images_of_unchanged_sources_are_fresh() {
        let (folder, sources) = repository();
        fs::write(folder.path().join("crates/api/.main.rs.swp"), "").unwrap();
        assert_eq!(changed_files(&sources, folder.path()), Vec::<String>::new());
    }

    #[test]
    fn a_changed_a_new_and_a_removed_source_are_named() {
        let (folder, sources) = repository();
        fs::write(folder.path().join("crates/api/src/main.rs"), "fn main() { panic!() }").unwrap();
        fs::write(folder.path().join("crates/api/src/new.rs"), "").unwrap();
        assert_eq!(
            changed_files(&sources, folder.path()),
            ["crates/api/src/main.rs has changed", "crates/api/src/new.rs is new"]
        );
        fs::remove_file(folder.path().join("crates/api/src/main.rs")).unwrap();
        assert!(changed_files(&sources, folder.path()).contains(&"crates/api/src/main.rs is gone".into()));
    }
}
