//! The command line as people meet it before anything is started: what it says, and with which exit code it ends.

#![allow(clippy::unwrap_used, reason = "a test that fails by unwrap says where")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

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

/// A copy of what `init` reads, so that nothing of the real repository or the real user is touched.
fn checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("compose")).unwrap();
    for file in ["flake.nix", ".env.example", "compose/compose.yaml"] {
        fs::copy(repository().join(file), folder.path().join(file)).unwrap();
    }
    folder
}

/// Runs `init` there and returns what it said, or how it ended and what it complained of.
fn init(checkout: &Path, origin: Option<&str>) -> Result<String, (Option<i32>, String)> {
    let mut command = shakedown();
    command.current_dir(checkout).arg("init").env("XDG_DATA_HOME", checkout.join("data"));
    if let Some(origin) = origin {
        command.env("PUBLIC_ORIGIN", origin);
    }
    let output = command.output().unwrap();
    let [said, complained] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    if output.status.success() { Ok(said) } else { Err((output.status.code(), complained)) }
}

#[test]
fn help_of_init_teaches_what_it_makes() {
    let output = shakedown().args(["init", "--help"]).output().unwrap();
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn init_makes_what_is_missing_and_nothing_twice() {
    let checkout = checkout();
    let said = init(checkout.path(), None).unwrap();
    for made in ["compose/.env", "compose/secrets/redis_password", "ca.pem", "compose/secrets/tls_key"] {
        assert!(said.contains(made), "{said}");
    }
    let secrets = checkout.path().join("compose/secrets");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&secrets), 0o700);
    let files: Vec<_> = fs::read_dir(&secrets).unwrap().map(|entry| entry.unwrap().path()).collect();
    let definition = fs::read_to_string(repository().join("compose/compose.yaml")).unwrap();
    assert_eq!(files.len(), definition.matches("file: ./secrets/").count(), "{files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o444 && fs::metadata(file).unwrap().len() >= 40));

    let certificate = fs::read(secrets.join("tls_certificate")).unwrap();
    assert_eq!(init(checkout.path(), None).unwrap(), "");
    assert_eq!(fs::read(secrets.join("tls_certificate")).unwrap(), certificate);
}

#[test]
fn init_makes_another_certificate_when_the_host_is_another() {
    let checkout = checkout();
    init(checkout.path(), None).unwrap();
    let said = init(checkout.path(), Some("https://other.localhost:8443")).unwrap();
    assert!(said.contains("for other.localhost, because of the one before"), "{said}");
    assert!(!said.contains("ca.pem"), "the authority stays: {said}");
}

#[test]
fn init_refuses_to_vouch_for_a_host_of_the_world_and_says_what_to_do() {
    let checkout = checkout();
    let (code, complaint) = init(checkout.path(), Some("https://photos.example.org")).unwrap_err();
    assert_eq!(code, Some(2));
    assert!(complaint.contains("photos.example.org") && complaint.contains("tls_certificate"), "{complaint}");
    assert!(!checkout.path().join("data").exists(), "an authority was made for nothing");
}

#[test]
fn init_leaves_a_certificate_of_others_as_it_is() {
    let checkout = checkout();
    init(checkout.path(), None).unwrap();
    let file = checkout.path().join("compose/secrets/tls_certificate");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "of another authority").unwrap();
    let said = init(checkout.path(), None).unwrap();
    assert!(said.contains("was not made by Shakedown"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "of another authority");
}
