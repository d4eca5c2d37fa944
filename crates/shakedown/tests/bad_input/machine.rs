//! A made-up machine: a copy of the scripts, and a PATH with stand-ins for what they ask about, before links to the tools that they
//! are written with.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use assert_cmd::Command;
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

pub(crate) const SOMEBODY: &str =
    r#"case "$1" in -u) echo 1000 ;; -un) echo somebody ;; -Gn) echo somebody staff ;; esac"#;

pub(crate) struct Machine {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
}

/// What a script said and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) complaint: String,
}

impl Machine {
    pub(crate) fn fit() -> Self {
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

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a stand-in on PATH.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let file = self.path("bin").join(name);
        fs::write(&file, format!("#!{}\n{text}\n", bash().display())).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn without(&self, name: &str) {
        fs::remove_file(self.path("bin").join(name)).unwrap();
    }

    pub(crate) fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.variables.push((variable, value.to_owned()));
        self
    }

    /// A command that sees this machine and nothing of the real one.
    pub(crate) fn on_it(&self, mut command: Command) -> Command {
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

    pub(crate) fn run_in(&self, folder: &str, script: &str, arguments: &[&str]) -> Said {
        let mut command = self.on_it(Command::new(bash()));
        let script = self.path("repository/scripts").join(script);
        let output = command.current_dir(self.path(folder)).arg(script).args(arguments).output().unwrap();
        let [said, complaint] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Said { code: output.status.code(), output: said, complaint }
    }

    pub(crate) fn run(&self, script: &str, arguments: &[&str]) -> Said {
        self.run_in("repository", script, arguments)
    }

    /// What `scripts/nix build` complains of, in at most two lines, and nix was not called.
    pub(crate) fn refusal(&self) -> String {
        let said = self.run("nix", &["build", ".#images"]);
        assert_eq!(said.code, Some(1), "{}", said.complaint);
        assert!(!said.output.contains("nix ran"), "it built all the same: {}", said.complaint);
        assert!(said.complaint.lines().count() <= 2, "{}", said.complaint);
        said.complaint
    }
}

/// The program of that name on the real PATH.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|file| file.is_file())
}

pub(crate) fn bash() -> PathBuf {
    find("bash").unwrap()
}

pub(crate) fn assert_says(complaint: &str, words: &[&str]) {
    for word in words {
        assert!(complaint.contains(word), "`{word}` is not in: {complaint}");
    }
}
