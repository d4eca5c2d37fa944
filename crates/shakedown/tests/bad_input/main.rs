//! A machine that Nix cannot build on is told of before a build begins: what is wrong, and which command mends it.
//!
//! The scripts are run on a made-up machine. `nix/tests/bad-input` tries what needs the real Nix.

#![allow(clippy::unwrap_used, reason = "a test that fails by unwrap says where")]

mod bootstrap;
mod machine;

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
};

use assert_cmd::Command;
use rstest::rstest;

use machine::{Machine, SOMEBODY, assert_says, bash};

#[test]
fn a_fit_machine_builds_from_any_folder() {
    for folder in ["repository", "repository/crates/api", "temporary"] {
        let machine = Machine::fit();
        let said = machine.run_in(folder, "nix", &["build", ".#images"]);
        assert_eq!(said.code, Some(0), "{}", said.complaint);
        let repository = machine.path("repository").canonicalize().unwrap();
        assert_says(
            &said.output,
            &[
                &format!(
                    "nix ran in {}: build --override-input nixpkgs path:/nix/store/added-source .#images",
                    repository.display()
                ),
                "sandbox = true\nsandbox-fallback = false",
            ],
        );
        assert_eq!(fs::read_dir(machine.path("temporary")).unwrap().count(), 0, "something was left behind");
    }
}

#[test]
fn flakes_that_are_off_are_on_for_the_command() {
    let machine = Machine::fit().with("NIX_CONFIG", "experimental-features =");
    let said = machine.run("nix", &["build"]);
    assert_eq!(said.code, Some(0), "{}", said.complaint);
    assert_says(&said.output, &["experimental-features =\nextra-experimental-features = nix-command flakes"]);
}

#[test]
fn no_nix_is_told_with_the_command_that_installs_it() {
    let machine = Machine::fit();
    machine.without("nix");
    assert_says(&machine.refusal(), &["there is no `nix` on PATH", "`make bootstrap`"]);
}

#[test]
fn a_nix_without_flakes_is_told_with_its_version() {
    let machine = Machine::fit();
    machine.put("nix", "echo 'nix (Nix) 2.3.7'");
    assert_says(
        &machine.refusal(),
        &["flakes need Nix 2.4 or newer, and this is 2.3.7", "install a newer one"],
    );
}

#[test]
fn a_nix_that_is_too_old_for_the_chosen_source_is_told_with_the_other_source() {
    let machine = Machine::fit().with("SHAKEDOWN_PACKAGES", "nixpkgs");
    let wanted =
        ["nixpkgs 26.05 needs Nix 2.18 or newer, and this is Nix 2.8.0", "SHAKEDOWN_PACKAGES=debian"];
    assert_says(&machine.refusal(), &wanted);
    let said = machine.run("bootstrap", &[]);
    assert_eq!(said.code, Some(1));
    assert_says(&said.complaint, &wanted);
}

#[test]
fn a_source_that_does_not_exist_is_told_with_those_that_do() {
    let machine = Machine::fit().with("SHAKEDOWN_PACKAGES", "arch");
    let said = machine.run("nix", &["build"]);
    assert_eq!(said.code, Some(2));
    assert_says(&said.complaint, &["`arch`", "`debian` or `nixpkgs`"]);
}

/// A machine with a daemon whose store is not this user's.
fn with_daemon(machine: &Machine) -> UnixListener {
    machine.put("id", SOMEBODY);
    fs::remove_dir(machine.path("state/db")).unwrap();
    fs::create_dir(machine.path("state/daemon-socket")).unwrap();
    UnixListener::bind(machine.path("state/daemon-socket/socket")).unwrap()
}

#[test]
fn a_user_whom_the_daemon_does_not_trust_is_told_what_to_write_where() {
    let machine = Machine::fit();
    let _socket = with_daemon(&machine);
    let complaint = machine.refusal();
    assert_says(
        &complaint,
        &[
            "does not trust somebody (trusted-users = root)",
            "extra-trusted-users = somebody",
            "/etc/nix/nix.conf",
        ],
    );
}

#[rstest]
#[case::by_name("root somebody")]
#[case::by_group("root @staff")]
#[case::as_everybody("*")]
fn a_user_whom_the_daemon_trusts_builds(#[case] trusted: &str) {
    let machine = Machine::fit();
    let _socket = with_daemon(&machine);
    machine.put("nix", &format!("case \"$*\" in --version) echo 'nix (Nix) 2.8.0' ;; show-config) echo 'trusted-users = {trusted}' ;; 'config show'*) exit 1 ;; *) echo nix ran ;; esac"));
    let said = machine.run("nix", &["build"]);
    assert_eq!(said.code, Some(0), "{}", said.complaint);
}

#[test]
fn a_store_of_roots_without_a_daemon_is_told() {
    let machine = Machine::fit();
    drop(with_daemon(&machine));
    fs::remove_file(machine.path("state/daemon-socket/socket")).unwrap();
    assert_says(
        &machine.refusal(),
        &["somebody may not write to the Nix store", "run this as root, or start the daemon"],
    );
}

#[test]
fn user_namespaces_that_are_off_are_told_with_what_turns_them_on() {
    let machine = Machine::fit();
    machine.put("id", SOMEBODY);
    machine.put("unshare", "echo 'unshare: unshare failed: Operation not permitted' >&2; exit 1");
    assert_says(
        &machine.refusal(),
        &[
            "user namespaces are off",
            "unshare failed: Operation not permitted",
            "sysctl -w user.max_user_namespaces=15000",
        ],
    );
}

#[rstest]
#[case("debs.json")]
#[case("rust.json")]
fn a_lock_that_was_not_made_is_named(#[case] lock: &str) {
    let machine = Machine::fit();
    fs::remove_file(machine.path("repository/nix/debian").join(lock)).unwrap();
    assert_says(&machine.refusal(), &[&format!("nix/debian/{lock} is missing; `make bootstrap`")]);
}

#[test]
fn seeds_that_were_never_made_are_told_with_the_command_that_makes_them() {
    let machine = Machine::fit();
    fs::remove_file(machine.path("cache/shakedown/crates.paths")).unwrap();
    assert_says(&machine.refusal(), &["no list of seeds", "crates.paths; `make bootstrap`"]);
}

#[test]
fn seeds_that_were_garbage_collected_are_counted_and_named() {
    let machine = Machine::fit();
    machine.put("nix-store", "[ $# = 5 ] || exit 9; echo /nix/store/rust-seed; echo /nix/store/crates-seed");
    assert_says(
        &machine.refusal(),
        &[
            "2 of the seeds are not in the Nix store any more, such as /nix/store/rust-seed",
            "`make bootstrap` puts them back",
        ],
    );
}

#[test]
fn a_folder_that_git_does_not_track_is_refused_because_of_secrets() {
    let machine = Machine::fit();
    machine.put("git", "echo 'fatal: not a git repository' >&2; exit 128");
    assert_says(
        &machine.refusal(),
        &["git does not track", "fatal: not a git repository", "secrets", "git init"],
    );
}

#[test]
fn a_full_disk_is_told_before_anything_is_lost() {
    let machine = Machine::fit();
    machine.put("df", "echo Avail; echo 3");
    assert_says(
        &machine.refusal(),
        &["no space", "temporary has 3 MB left", "make room there", "nothing is lost"],
    );

    let seeds = machine.path("cache/shakedown/crates.paths");
    let said = machine.run("bootstrap", &[]);
    assert_eq!(said.code, Some(1), "{}", said.complaint);
    assert_says(&said.complaint, &["no space", "cache/shakedown has 3 MB left"]);
    assert!(seeds.exists(), "the list of seeds is gone");
}

#[test]
fn doctor_says_of_nix_what_the_scripts_say() {
    let machine = Machine::fit();
    fs::remove_file(machine.path("repository/nix/debian/debs.json")).unwrap();
    symlink(bash(), machine.path("tools/bash")).unwrap();
    let mut doctor = machine.on_it(Command::cargo_bin("shakedown").unwrap());
    let output = doctor.current_dir(machine.path("repository/crates")).arg("doctor").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert_says(&said, &["LACKING nix", "nix/debian/debs.json is missing; `make bootstrap` writes it"]);
}
