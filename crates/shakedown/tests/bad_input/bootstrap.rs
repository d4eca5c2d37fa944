//! The bootstrap, where it cannot make the machine fit.

use rstest::rstest;

use crate::machine::{Machine, SOMEBODY, assert_says};

#[test]
fn bootstrap_names_what_is_missing_and_installs_nothing_for_somebody() {
    let machine = Machine::fit();
    machine.put("id", SOMEBODY);
    machine.without("nix");
    let said = machine.run("bootstrap", &[]);
    assert_eq!(said.code, Some(1));
    assert_says(&said.complaint, &["missing here", "nix-bin"]);
    assert!(!machine.path("called").exists(), "apt was called");
}

#[test]
fn bootstrap_without_a_rust_toolchain_says_where_to_get_one() {
    let machine = Machine::fit();
    machine.without("rustc");
    let said = machine.run("bootstrap", &[]);
    assert_eq!(said.code, Some(1));
    assert_says(&said.complaint, &["no Rust toolchain", "rustup.rs"]);
}

/// Somebody, where no engine answers and none was named.
fn without_an_engine() -> Machine {
    let machine = Machine::fit().with("DOCKER_HOST", "");
    machine.put("id", SOMEBODY);
    machine.put("docker", "exit 1");
    machine
}

#[rstest]
#[case::not_started(true, "no container engine answers; start it as root")]
#[case::not_installed(false, "docker.io")]
fn bootstrap_without_an_engine_names_it_and_ends(#[case] installed: bool, #[case] expected: &str) {
    let machine = without_an_engine();
    if !installed {
        machine.without("dockerd");
    }
    let said = machine.run("bootstrap", &[]);
    assert_eq!(said.code, Some(1));
    assert_says(&said.complaint, &[expected]);
    assert!(!said.complaint.contains("going on"), "{}", said.complaint);
}

#[rstest]
#[case::not_started(true)]
#[case::not_installed(false)]
fn bootstrap_that_needs_no_engine_says_that_there_is_none_and_goes_on(#[case] installed: bool) {
    let machine = without_an_engine();
    if !installed {
        machine.without("dockerd");
    }
    let said = machine.run("bootstrap", &["--engine-optional"]);
    assert_says(
        &said.complaint,
        &["no container engine answers", "going on without one", "putting Debian packages"],
    );
    assert!(!machine.path("called").exists(), "apt was called");
}

#[test]
fn engine_that_was_named_and_does_not_answer_is_an_error_even_where_none_is_needed() {
    let machine = Machine::fit();
    machine.put("docker", "exit 1");
    let said = machine.run("bootstrap", &["--engine-optional"]);
    assert_eq!(said.code, Some(1));
    assert_says(&said.complaint, &["no engine answers at DOCKER_HOST=unix:///nowhere/docker.sock"]);
}
