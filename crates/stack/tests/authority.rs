//! What `docker compose config` makes of files, held against what we make of them: a case per folder beside this file.
//!
//! Compose 2 is asked as `docker compose`, or as what the variable `DOCKER_COMPOSE` names. The gate does not need it,
//! so where it is missing, every case is listed as ignored and the reason is printed; with `DOCKER_COMPOSE` set, it is
//! an error instead.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that fails by unwrap says where"
)]

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

/// The variables both see.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("FROM_SHELL", "from the shell"),
    ("BOTH", "from the shell"),
    ("EMPTY", ""),
    ("HOME", "/home/person"),
];

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
    let definition = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .join("compose");
    folders.push(definition);
    let trials = folders.into_iter().map(|folder| {
        let name = format!(
            "{}_reads_as_compose_reads_it",
            folder.file_name().unwrap().display()
        );
        let authority = authority.clone();
        Trial::test(name, move || case(&authority?, &folder)).with_ignored_flag(missing)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Copies a case to a folder of its own, asks both, and compares.
fn case(authority: &[String], folder: &Path) -> Result<(), Failed> {
    let copy = tempfile::tempdir()?;
    let project = copy.path().join("project");
    fs::create_dir(&project)?;
    let mut files = Vec::new();
    for (name, to) in [
        ("compose.yaml", "compose.yaml"),
        ("overlay.yaml", "overlay.yaml"),
        ("dotenv", ".env"),
    ] {
        if folder.join(name).is_file() {
            fs::copy(folder.join(name), project.join(to))?;
            if name != "dotenv" {
                files.push(project.join(to));
            }
        }
    }
    let enabled = fs::read_to_string(folder.join("enabled")).unwrap_or_default();
    let profiles: Vec<String> = enabled.split_whitespace().map(str::to_owned).collect();

    let theirs = compose::config(authority, &files, &profiles, &ENVIRONMENT)?;
    let lookup = |name: &str| {
        ENVIRONMENT
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    let ours = stack::read(&files, &lookup, &profiles).map_err(|error| error.excerpts())?;
    let (ours, theirs) = (ours::shown(&ours), compose::shown(&theirs));
    if ours == theirs {
        return Ok(());
    }
    Err(Failed::from(format!(
        "line by line, theirs (-) and ours (+):\n{}",
        difference(&theirs, &ours)
    )))
}

/// The lines that differ.
fn difference(theirs: &serde_json::Value, ours: &serde_json::Value) -> String {
    let lines = |value: &serde_json::Value| {
        let mut lines = Vec::new();
        flatten(value, String::new(), &mut lines);
        lines
    };
    let (theirs, ours) = (lines(theirs), lines(ours));
    let only = |sign: char, left: &[String], right: &[String]| {
        left.iter()
            .filter(|line| !right.contains(line))
            .map(|line| format!("{sign} {line}"))
            .collect::<Vec<_>>()
    };
    [only('-', &theirs, &ours), only('+', &ours, &theirs)]
        .concat()
        .join("\n")
}

fn flatten(value: &serde_json::Value, path: String, lines: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                flatten(value, format!("{path}.{key}"), lines);
            }
        }
        other => lines.push(format!("{path} = {other}")),
    }
}
