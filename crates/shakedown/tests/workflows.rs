//! The CI files hold what their linter (`make lint`) does not look at.

#![allow(clippy::unwrap_used, reason = "a test that fails by unwrap says where")]

use std::{collections::BTreeMap, fs, path::Path};

/// Each workflow's file name and text.
fn workflows() -> BTreeMap<String, String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.github/workflows"));
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|file| {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(file).unwrap())
        })
        .collect()
}

/// A job: the lines below its name, which is indented by two under `jobs:`.
fn jobs(workflow: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut jobs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut job = None;
    for line in workflow.lines().skip_while(|line| *line != "jobs:").skip(1) {
        let indent = line.len() - line.trim_start().len();
        match line.trim_start().strip_suffix(':') {
            Some(name) if indent == 2 => job = Some(name),
            _ => jobs.entry(job.unwrap_or_default()).or_default().push(line),
        }
    }
    jobs
}

#[test]
fn every_job_that_runs_is_cut_off_at_some_time() {
    for (file, text) in workflows() {
        let jobs = jobs(&text);
        assert!(!jobs.is_empty(), "{file} has no jobs, or is not indented by two");
        for (name, lines) in jobs {
            let has = |key: &str| lines.iter().any(|line| line.starts_with(&format!("    {key}: ")));
            // A job that calls a workflow may have none: that workflow's jobs have.
            assert!(
                has("timeout-minutes") || has("uses"),
                "{file}: the job `{name}` has no timeout-minutes: GitHub would let it hang for six hours"
            );
        }
    }
}

#[test]
fn an_action_has_one_version_in_all_workflows() {
    let mut versions: BTreeMap<String, String> = BTreeMap::new();
    for (file, text) in workflows() {
        for (action, version) in
            text.lines().filter_map(|line| line.trim().strip_prefix("uses: ")?.split_once('@'))
        {
            let first = versions.entry(action.to_owned()).or_insert_with(|| version.to_owned());
            assert_eq!(first, version, "{file}: {action} has another version elsewhere");
        }
    }
    assert!(versions.contains_key("actions/checkout"), "{versions:?}");
}
