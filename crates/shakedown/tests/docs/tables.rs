//! Tables that repeat what is in the code are equal to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use harness::platform::RunnerKind;

use crate::{
    column, contributing,
    markdown::{Document, spans},
    none, read, readme, repository,
};

#[test]
fn every_field_of_a_report_is_told_of() {
    let source = read("crates/harness/src/report/mod.rs");
    let fields: BTreeSet<String> = source
        .lines()
        .skip_while(|line| !line.contains("pub struct Report {"))
        .take_while(|line| *line != "}")
        .filter_map(|line| Some(line.trim().strip_prefix("pub ")?.split_once(": ")?.0.to_owned()))
        .collect();
    let told: BTreeSet<String> = column(&readme(), "The report", 0).into_iter().collect();
    assert_eq!(
        told, fields,
        "README.md's fields of report.json (left) are not those of harness::report::Report; edit the table"
    );
}

#[test]
fn budgets_are_those_of_the_makefile() {
    let makefile = read("Makefile");
    let steps: BTreeMap<String, String> = makefile
        .lines()
        .filter_map(|line| line.trim().strip_prefix("@$(step) "))
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, _)| !name.starts_with('-'))
        .map(|(name, rest)| (name.to_owned(), rest.split(' ').next().unwrap_or_default().to_owned()))
        .collect();
    let document = contributing();
    let told: BTreeMap<String, String> =
        column(&document, "Time budgets", 0).into_iter().zip(column(&document, "Time budgets", 1)).collect();
    assert_eq!(told, steps, "CONTRIBUTING.md's budgets (left) are not those of the Makefile; edit the table");
}

#[test]
fn every_message_that_troubleshooting_quotes_is_said_somewhere() {
    let mut sources = Vec::new();
    collect(&repository().join("crates"), &mut sources);
    collect(&repository().join("scripts"), &mut sources);
    let text: String = sources
        .iter()
        .filter(|path| !path.components().any(|part| part.as_os_str() == "tests"))
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    let mut complaints = Vec::new();
    for row in readme().table("Troubleshooting") {
        for message in spans(&row[0]).filter(|message| !text.contains(message.as_str())) {
            complaints.push(format!("README.md: nothing says `{message}` any more; edit Troubleshooting"));
        }
    }
    none(&complaints);
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            collect(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

#[test]
fn every_crate_and_every_module_of_the_harness_is_on_the_map() {
    let architecture = Document::read(&repository(), "ARCHITECTURE.md");
    let mut complaints = Vec::new();
    for (folder, heading) in [("crates", "Crates"), ("crates/harness/src", "The harness, module by module")] {
        let told: BTreeSet<String> = column(&architecture, heading, 0).into_iter().collect();
        let names = fs::read_dir(repository().join(folder)).unwrap().flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().trim_end_matches(".rs").to_owned());
        let there: BTreeSet<String> = names.filter(|name| name != "lib").collect();
        complaints.extend(
            there
                .difference(&told)
                .map(|name| format!("ARCHITECTURE.md, `{heading}`: {folder}/{name} is missing; add a row")),
        );
        complaints
            .extend(told.difference(&there).map(|name| {
                format!("ARCHITECTURE.md, `{heading}`: {folder}/{name} is no more; take it out")
            }));
    }
    none(&complaints);
}

/// The overlays that put the outputs into each store there is.
const STORES: [&[&str]; 2] = [&[], &["s3.yaml"]];
const RUNNERS: [RunnerKind; 2] = [RunnerKind::Containers, RunnerKind::Processes];

/// How many checks of each kind each runner judges over each store, and by name which are skipped for processes.
#[test]
fn which_check_runs_over_which_store_on_which_runner_is_told() {
    const CELLS: usize = STORES.len() * RUNNERS.len();
    let mut kinds: Vec<(String, [usize; CELLS], BTreeSet<String>)> = Vec::new();
    for (column, overlays) in STORES.iter().enumerate() {
        let files: Vec<_> = ["compose.yaml"].iter().chain(*overlays).collect();
        let files: Vec<_> = files.into_iter().map(|file| repository().join("compose").join(file)).collect();
        let stack =
            stack::read(&files, &|_| None, &[]).unwrap_or_else(|error| panic!("{}", error.excerpts()));
        for check in harness::check::checks(&stack) {
            let kind = format!("`{}`", check.id.split('.').next().unwrap());
            let at = kinds.iter().position(|(known, ..)| *known == kind).unwrap_or_else(|| {
                kinds.push((kind, [0; CELLS], BTreeSet::new()));
                kinds.len() - 1
            });
            let (_, counts, skipped) = &mut kinds[at];
            for (row, runner) in RUNNERS.into_iter().enumerate() {
                let runs = check.runs_on(runner);
                counts[column * RUNNERS.len() + row] += usize::from(runs);
                if !runs {
                    skipped.insert(format!("`{}`", check.id));
                }
            }
        }
    }
    let expected: Vec<Vec<String>> = kinds
        .into_iter()
        .map(|(kind, counts, skipped)| {
            let skipped =
                if skipped.is_empty() { "none".to_owned() } else { Vec::from_iter(skipped).join(", ") };
            [kind].into_iter().chain(counts.iter().map(ToString::to_string)).chain([skipped]).collect()
        })
        .collect();
    let told = Document::read(&repository(), "ARCHITECTURE.md").table("Two runners");
    let rows: Vec<String> = expected.iter().map(|row| format!("| {} |", row.join(" | "))).collect();
    assert_eq!(told, expected, "ARCHITECTURE.md, `Two runners`: the table is to be\n{}\n", rows.join("\n"));
}
