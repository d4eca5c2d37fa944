//! The command line as people meet it before anything is started: what it says, and with which exit code it ends.

#![allow(clippy::unwrap_used, reason = "a test that fails by unwrap says where")]

use std::{fs, path::Path};

use assert_cmd::Command;
use rstest::rstest;

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn shakedown() -> Command {
    let mut command = Command::cargo_bin("shakedown").unwrap();
    command.current_dir(repository()).env("NO_COLOR", "1");
    command
}

/// Runs the command over a Compose file with this text, and returns what it complains of.
fn complaint(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yaml");
    fs::write(&file, text).unwrap();
    let output = shakedown().args(["config", "--file"]).arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).unwrap().replace(&folder.path().display().to_string(), "FOLDER")
}

#[test]
fn help_teaches_the_verbs_and_the_exit_codes() {
    let output = shakedown().arg("--help").output().unwrap();
    assert!(output.status.success());
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn help_of_the_gate_teaches_its_flags() {
    let output = shakedown().args(["gate", "--help"]).output().unwrap();
    assert!(output.status.success());
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn an_unknown_flag_is_bad_usage() {
    shakedown().args(["gate", "--sail"]).assert().code(2);
}

#[test]
fn a_call_from_outside_a_repository_says_what_it_looked_for() {
    let elsewhere = tempfile::tempdir().unwrap();
    let output = shakedown().current_dir(elsewhere.path()).arg("checks").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no folder from here upwards has a flake.nix"), "{said}");
}

#[test]
fn a_call_from_a_subfolder_finds_the_repository() {
    shakedown().current_dir(repository().join("crates")).arg("checks").assert().success();
}

#[test]
fn an_overlay_that_is_not_there_is_named() {
    let output = shakedown().args(["config", "--overlay", "nowhere.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("nowhere.yaml"));
}

#[rstest]
#[case::syntax("services:\n  api: [\n", "compose.yaml:")]
#[case::unknown_key("services: { api: { imgae: x } }", "did you mean `image`")]
#[case::no_image("services: { api: { command: [serve] } }", "image")]
#[case::cycle("services: { a: { image: x, depends_on: [b] }, b: { image: x, depends_on: [a] } }", "a")]
#[case::undefined_variable("services: { api: { image: \"${NOWHERE:?set it first}\" } }", "set it first")]
fn a_definition_that_is_wrong_is_told_with_its_place(#[case] text: &str, #[case] says: &str) {
    let said = complaint(text);
    assert!(said.contains("FOLDER/compose.yaml:1:") || said.contains("FOLDER/compose.yaml:"), "{said}");
    assert!(said.contains(says), "{said}");
}
