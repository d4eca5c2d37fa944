//! Verbs, subcommands, flags and exit codes that documents name are those that there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use crate::{column, contributing, markdown::documents, none, read, readme, repository};

/// What the command says, called in the repository.
fn shakedown(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_shakedown"))
        .args(arguments)
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "shakedown {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_page_of_checks_is_what_the_code_derives() {
    let (derived, page) = (shakedown(&["checks", "--markdown"]), read("docs/checks.md"));
    let differs = derived.lines().find(|line| !page.lines().any(|other| other == *line));
    assert!(
        derived == page,
        "docs/checks.md is not what the code derives, such as {differs:?}; \
         run `cargo run -q -p shakedown -- checks --markdown > docs/checks.md`"
    );
}

/// The verbs of the Makefile: its targets that have a description.
fn verbs() -> BTreeSet<String> {
    let makefile = read("Makefile");
    let targets = makefile
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains("## "));
    targets.filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect()
}

#[test]
fn every_make_verb_that_is_named_exists() {
    let verbs = verbs();
    let mut complaints = Vec::new();
    for document in documents(&repository()) {
        for code in document.code() {
            let mut words = code.split(' ');
            if words.next() != Some("make") {
                continue;
            }
            let named = words.take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()));
            complaints.extend(named.filter(|verb| !verbs.contains(*verb)).map(|verb| {
                format!(
                    "{}: `{code}`, and the Makefile has no verb `{verb}`; edit one of them",
                    document.name()
                )
            }));
        }
    }
    none(&complaints);
}

#[test]
fn every_verb_of_the_makefile_is_told_of() {
    let told = contributing().code();
    let missing = verbs().into_iter().filter(|verb| !told.contains(&format!("make {verb}")));
    none(
        &missing
            .map(|verb| format!("CONTRIBUTING.md says nothing of `make {verb}`; add it to its verbs"))
            .collect::<Vec<_>>(),
    );
}

/// Words of a help text that are flags, by subcommand.
fn flags() -> BTreeMap<String, BTreeSet<String>> {
    let help = shakedown(&["--help"]);
    let commands =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = commands.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(|name| {
            let help = shakedown(&[name, "--help"]);
            let words = help.split(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']'));
            let flags = words.filter(|word| word.starts_with('-')).map(str::to_owned);
            (name.to_owned(), flags.collect())
        })
        .collect()
}

#[test]
fn every_subcommand_and_flag_that_is_named_exists() {
    let flags = flags();
    let mut complaints = Vec::new();
    for document in documents(&repository()) {
        let name = document.name();
        for code in document.code() {
            let code = code.replace("cargo run -q -p shakedown -- ", "shakedown ");
            let mut words = code.split(' ');
            match words.next() {
                Some("shakedown") => {
                    let Some(command) = words.next().filter(|word| !word.starts_with('-')) else {
                        continue;
                    };
                    let Some(known) = flags.get(command) else {
                        complaints.push(format!("{name}: `{code}`, and there is no such subcommand"));
                        continue;
                    };
                    complaints.extend(
                        words.filter(|word| word.starts_with('-') && !known.contains(*word)).map(|flag| {
                            format!("{name}: `{code}`, and `shakedown {command}` has no flag `{flag}`")
                        }),
                    );
                }
                Some(flag) if flag.starts_with("--") && !flags.values().any(|known| known.contains(flag)) => {
                    complaints.push(format!("{name}: no subcommand has the flag `{flag}`"));
                }
                _ => {}
            }
        }
    }
    none(&complaints);
}

#[test]
fn exit_codes_are_those_of_the_code() {
    let source = read("crates/harness/src/verdict.rs");
    let constants = source
        .lines()
        .skip_while(|line| *line != "pub mod exit {")
        .take_while(|line| *line != "}")
        .filter_map(|line| line.trim().strip_prefix("pub const "));
    let of_the_code: BTreeSet<u8> =
        constants.filter_map(|line| line.split_once("= ")?.1.trim_end_matches(';').parse().ok()).collect();
    let of_the_readme: BTreeSet<u8> =
        column(&readme(), "Exit codes", 0).iter().map(|code| code.parse().unwrap()).collect();
    assert_eq!(
        of_the_readme, of_the_code,
        "README.md's exit codes (left) are not those of harness::verdict::exit; edit the table"
    );
    let help = shakedown(&["--help"]);
    let of_the_help: BTreeSet<u8> = help
        .lines()
        .skip_while(|line| *line != "Exit codes:")
        .skip(1)
        .map_while(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    assert_eq!(
        of_the_help, of_the_code,
        "the help's exit codes (left) are not those of harness::verdict::exit; edit args.rs"
    );
}
