//! A machine that Nix cannot build on is told of before a build begins: what is wrong, and which command mends it.
//!
//! The scripts are run on a made-up machine: a copy of them, and a PATH with stand-ins for what they ask about, before links to
//! the tools that they are written with. `nix/tests/bad-input` tries what needs the real Nix.

#![allow(clippy::unwrap_used, reason = "a test that fails by unwrap says where")]

use std::{
    env, fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

use assert_cmd::Command;
use rstest::rstest;
use tempfile::TempDir;

/// What the scripts are written with. Everything else that they call is a stand-in.
const TOOLS: &[&str] = &[
    "basename",
    "cat",
    "cmp",
    "cp",
    "cut",
    "dirname",
    "env",
    "find",
    "grep",
    "head",
    "ln",
    "mkdir",
    "mktemp",
    "mv",
    "nproc",
    "readlink",
    "realpath",
    "rm",
    "sed",
    "sha256sum",
    "sleep",
    "sort",
    "tail",
    "timeout",
    "touch",
    "tr",
    "uname",
    "wc",
    "xargs",
];

/// A machine on which everything is as it should be, Debian's packages chosen: each stand-in's name and text.
const FIT: &[(&str, &str)] = &[
    (
        "nix",
        r#"case "$*" in
             --version) echo "nix (Nix) 2.8.0" ;;
             show-config) echo "trusted-users = root" ;;
             "config show"*) exit 1 ;;
             *) echo "nix ran in $PWD: $*"; echo "$NIX_CONFIG" ;;
           esac"#,
    ),
    ("nix-store", r#"if [ "$1" = --add ]; then echo /nix/store/added-source; fi"#),
    ("git", "if [ \"$3\" = rev-parse ]; then echo true; fi"),
    ("id", "echo 0"),
    ("unshare", "exit 0"),
    ("flock", "exit 0"),
    ("df", "echo Avail; echo 100000"),
    ("getent", "exit 2"),
    ("cc", "exit 0"),
    ("dockerd", "exit 0"),
    ("docker", "exit 0"),
    ("rustc", "exit 0"),
    ("cargo", "exit 0"),
    ("apt-get", r#"echo "apt-get $*" >>"$CALLED""#),
];

const SOMEBODY: &str =
    r#"case "$1" in -u) echo 1000 ;; -un) echo somebody ;; -Gn) echo somebody staff ;; esac"#;

struct Machine {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// What a script said and how it ended.
struct Said {
    code: Option<i32>,
    output: String,
    complaint: String,
}

impl Machine {
    fn fit() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let machine = Self { folder, variables: vec![("SHAKEDOWN_PACKAGES", "debian".into())] };
        let repository = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        for name in [
            "bin",
            "tools",
            "temporary",
            "state/db",
            "cache/shakedown",
            "repository/nix/debian",
            "repository/crates/api",
        ] {
            fs::create_dir_all(machine.path(name)).unwrap();
        }
        fs::create_dir(machine.path("repository/scripts")).unwrap();
        for script in fs::read_dir(repository.join("scripts")).unwrap().map(Result::unwrap) {
            let copy = machine.path("repository/scripts").join(script.file_name());
            fs::copy(script.path(), copy).unwrap();
        }
        fs::create_dir(machine.path("repository/compose")).unwrap();
        for file in ["flake.nix", ".env.example", "compose/compose.yaml"] {
            fs::copy(repository.join(file), machine.path("repository").join(file)).unwrap();
        }
        for lock in ["debs.json", "rust.json"] {
            fs::write(machine.path("repository/nix/debian").join(lock), "{}").unwrap();
        }
        for kind in ["debs", "rust", "crates"] {
            fs::write(
                machine.path(&format!("cache/shakedown/{kind}.paths")),
                format!("/nix/store/{kind}-seed\n"),
            )
            .unwrap();
        }
        for tool in TOOLS {
            if let Some(real) = find(tool) {
                symlink(real, machine.path("tools").join(tool)).unwrap();
            }
        }
        for (name, text) in FIT {
            machine.put(name, text);
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a stand-in on PATH.
    fn put(&self, name: &str, text: &str) {
        let file = self.path("bin").join(name);
        fs::write(&file, format!("#!{}\n{text}\n", bash().display())).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn without(&self, name: &str) {
        fs::remove_file(self.path("bin").join(name)).unwrap();
    }

    fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.variables.push((variable, value.to_owned()));
        self
    }

    /// A command that sees this machine and nothing of the real one.
    fn on_it(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .env("PATH", format!("{}:{}", self.path("bin").display(), self.path("tools").display()))
            .env("HOME", self.path("home"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("TMPDIR", self.path("temporary"))
            .env("NIX_STATE_DIR", self.path("state"))
            .env("CALLED", self.path("called"))
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run_in(&self, folder: &str, script: &str, arguments: &[&str]) -> Said {
        let mut command = self.on_it(Command::new(bash()));
        let script = self.path("repository/scripts").join(script);
        let output = command.current_dir(self.path(folder)).arg(script).args(arguments).output().unwrap();
        let [said, complaint] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Said { code: output.status.code(), output: said, complaint }
    }

    fn run(&self, script: &str, arguments: &[&str]) -> Said {
        self.run_in("repository", script, arguments)
    }

    /// What `scripts/nix build` complains of, in at most two lines, and nix was not called.
    fn refusal(&self) -> String {
        let said = self.run("nix", &["build", ".#images"]);
        assert_eq!(said.code, Some(1), "{}", said.complaint);
        assert!(!said.output.contains("nix ran"), "it built all the same: {}", said.complaint);
        assert!(said.complaint.lines().count() <= 2, "{}", said.complaint);
        said.complaint
    }
}

/// The program of that name on the real PATH.
fn find(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn bash() -> PathBuf {
    find("bash").unwrap()
}

fn assert_says(complaint: &str, words: &[&str]) {
    for word in words {
        assert!(complaint.contains(word), "`{word}` is not in: {complaint}");
    }
}

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
