//! What `docker compose config` makes of files, held against what we make of them: a case per folder beside this file.
//!
//! Each folder keeps Compose's answer (`recorded.json`, from 2.26), reduced to what the model holds; ours is held
//! against that everywhere. Whether Compose still says so is asked where it is there: as `docker compose`, or as what
//! the variable `DOCKER_COMPOSE` names. Where it is missing, those cases are listed as ignored and the reason is
//! printed; with `DOCKER_COMPOSE` set, it is an error instead. With `RECORD_COMPOSE` set, its answers are written down.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails by unwrap says where")]

#[path = "authority/compose.rs"]
mod compose;
#[path = "authority/ours.rs"]
mod ours;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// The variables both see.
const ENVIRONMENT: [(&str, &str); 4] =
    [("FROM_SHELL", "from the shell"), ("BOTH", "from the shell"), ("EMPTY", ""), ("HOME", "/home/person")];

fn main() -> ExitCode {
    let authority = compose::find();
    if let Err(reason) = &authority {
        eprintln!("the cases are ignored: {reason}");
    }
    let missing = authority.is_err() && std::env::var_os("DOCKER_COMPOSE").is_none();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authority");
    let mut folders: Vec<PathBuf> = fs::read_dir(cases)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let definition = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("compose");
    folders.push(definition.clone());
    let mut trials = Vec::new();
    for folder in folders {
        let name = folder.file_name().unwrap().display().to_string();
        if folder != definition {
            let folder = folder.clone();
            trials.push(Trial::test(format!("{name}_reads_as_compose_read_it"), move || {
                ours_is_recorded(&folder)
            }));
        }
        let authority = authority.clone();
        let asked = Trial::test(format!("{name}_reads_as_compose_reads_it"), move || {
            ours_is_theirs(&authority?, &folder)
        });
        trials.push(asked.with_ignored_flag(missing));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A case, copied to a folder of its own.
struct Case {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
    profiles: Vec<String>,
}

impl Case {
    fn copy(from: &Path) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let project = folder.path().join("project");
        fs::create_dir(&project)?;
        let mut files = Vec::new();
        for name in ["compose.yaml", "overlay.yaml"] {
            if from.join(name).is_file() {
                fs::copy(from.join(name), project.join(name))?;
                files.push(project.join(name));
            }
        }
        if from.join("dotenv").is_file() {
            fs::copy(from.join("dotenv"), project.join(".env"))?;
        }
        let enabled = fs::read_to_string(from.join("enabled")).unwrap_or_default();
        let profiles = enabled.split_whitespace().map(str::to_owned).collect();
        Ok(Self { folder, files, profiles })
    }

    /// What we make of it, without the folder's path.
    fn ours(&self) -> Result<Value, Failed> {
        let lookup = |name: &str| {
            ENVIRONMENT.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let stack = stack::read(&self.files, &lookup, &self.profiles).map_err(|error| error.excerpts())?;
        self.placeless(&ours::shown(&stack))
    }

    /// What Compose makes of it, without the folder's path.
    fn theirs(&self, authority: &[String]) -> Result<Value, Failed> {
        let config = compose::config(authority, &self.files, &self.profiles, &ENVIRONMENT)?;
        self.placeless(&compose::shown(&config))
    }

    fn placeless(&self, value: &Value) -> Result<Value, Failed> {
        let folder = self.folder.path().display().to_string();
        Ok(serde_json::from_str(&value.to_string().replace(&folder, "/folder"))?)
    }
}

fn ours_is_recorded(folder: &Path) -> Result<(), Failed> {
    let recorded = serde_json::from_str(&fs::read_to_string(folder.join("recorded.json"))?)?;
    same(&recorded, &Case::copy(folder)?.ours()?)
}

fn ours_is_theirs(authority: &[String], folder: &Path) -> Result<(), Failed> {
    let case = Case::copy(folder)?;
    let theirs = case.theirs(authority)?;
    if std::env::var_os("RECORD_COMPOSE").is_some() && folder.starts_with(env!("CARGO_MANIFEST_DIR")) {
        fs::write(folder.join("recorded.json"), serde_json::to_string_pretty(&theirs)? + "\n")?;
    }
    same(&theirs, &case.ours()?)
}

fn same(theirs: &Value, ours: &Value) -> Result<(), Failed> {
    if theirs == ours {
        return Ok(());
    }
    Err(Failed::from(format!("line by line, theirs (-) and ours (+):\n{}", difference(theirs, ours))))
}

/// The lines that differ.
fn difference(theirs: &Value, ours: &Value) -> String {
    let lines = |value: &Value| {
        let mut lines = Vec::new();
        flatten(value, "", &mut lines);
        lines
    };
    let (theirs, ours) = (lines(theirs), lines(ours));
    let only = |sign: char, left: &[String], right: &[String]| {
        left.iter()
            .filter(|line| !right.contains(line))
            .map(|line| format!("{sign} {line}"))
            .collect::<Vec<_>>()
    };
    [only('-', &theirs, &ours), only('+', &ours, &theirs)].concat().join("\n")
}

fn flatten(value: &Value, path: &str, lines: &mut Vec<String>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                flatten(value, &format!("{path}.{key}"), lines);
            }
        }
        other => lines.push(format!("{path} = {other}")),
    }
}
