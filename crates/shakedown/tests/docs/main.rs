//! Documents are held against what they describe: a page that has become untrue fails here, and says what to do.
#![allow(clippy::unwrap_used, reason = "a test that fails by unwrap says where")]

mod command;
mod licences;
mod links;
mod markdown;
mod tables;

use std::{
    fs,
    path::{Path, PathBuf},
};

use markdown::Document;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn readme() -> Document {
    Document::read(&repository(), "README.md")
}

fn contributing() -> Document {
    Document::read(&repository(), "CONTRIBUTING.md")
}

/// Fails with every complaint at once.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Column `column` of the table below a heading, code spans without their ticks.
fn column(document: &Document, heading: &str, column: usize) -> Vec<String> {
    let table = document.table(heading);
    assert!(!table.is_empty(), "{} has no table below `{heading}`", document.name());
    table.into_iter().map(|mut row| row.remove(column).replace('`', "")).collect()
}
