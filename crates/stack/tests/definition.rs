//! The repository's own `compose/compose.yaml`, as the harness sees it.
#![allow(clippy::unwrap_used, reason = "a test that fails by unwrap says where")]

use std::path::{Path, PathBuf};

use stack::{Kind, Stack};

/// The repository's `compose/compose.yaml`.
fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("compose/compose.yaml")
}

/// Reads a copy, so that a person's own `compose/.env` has no say.
fn definition() -> Stack {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("compose.yaml");
    std::fs::copy(file(), &copy).unwrap();
    let stack = stack::read(&[copy], &|_| None, &[]).unwrap_or_else(|error| panic!("{}", error.excerpts()));
    assert!(stack.services["proxy"].mounts.iter().all(|mount| match &mount.source {
        stack::MountSource::Bind(path) => path.starts_with(folder.path()),
        stack::MountSource::Volume(_) => true,
    }));
    stack
}

/// The JSON without the folder that the repository happens to be in, and without places, which move with every edit; in
/// the order of names, for `serde_json` has another where some crate of the build turns its `preserve_order` on.
fn shown(stack: &Stack) -> String {
    fn without_places(value: &mut serde_json::Value) {
        if let Some(object) = value.as_object_mut() {
            let mut entries: Vec<_> = std::mem::take(object).into_iter().collect();
            entries.retain(|(key, _)| key != "at" && key != "image_at");
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            for (_, value) in &mut entries {
                without_places(value);
            }
            object.extend(entries);
        } else if let Some(array) = value.as_array_mut() {
            array.iter_mut().for_each(without_places);
        }
    }
    let mut json = stack.to_json();
    without_places(&mut json);
    let text = serde_json::to_string_pretty(&json).unwrap();
    let folder = stack.secrets.values().find_map(|secret| match &secret.source {
        stack::SecretSource::File(path) => path.parent()?.parent(),
        stack::SecretSource::Environment(_) => None,
    });
    text.replace(&folder.unwrap().display().to_string(), "[folder]")
}

#[test]
fn the_definition_reads_as_it_always_did() {
    insta::assert_snapshot!(shown(&definition()));
}

#[test]
fn the_definition_gives_no_warning() {
    assert_eq!(definition().warnings, []);
}

#[test]
fn services_start_in_levels() {
    let stack = definition();
    let order = stack.start_order();
    assert_eq!(order.first().unwrap(), &["postgres", "redis"]);
    assert_eq!(order.iter().map(Vec::len).sum::<usize>(), stack.services.len());
    assert_eq!(stack.dependents_of("migrate"), ["api", "worker"]);
    assert_eq!(stack.services["migrate"].kind, Kind::Oneshot);
}
