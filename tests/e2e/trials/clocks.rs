//! Clocks that are wrong: an hour ahead or behind, by libfaketime. Lives of outputs are counted by the database's clock, so
//! nothing may change; where that is the wrong one, lives are as long as ever, and all say the same of their ends.

use std::{fmt::Write, fs, path::PathBuf};

use libtest_mimic::{Failed, Trial};
use time::OffsetDateTime;

use super::{expect, run};

/// Half of what a clock is wrong by, in seconds.
const HALF: i64 = 1800;
/// Where libfaketime is in a container.
const INSIDE: &str = "/opt/faketime/libfaketime.so.1";
/// What the gate then looks at: everything that depends on time.
const KINDS: [&str; 3] = ["ttl", "data.encrypted", "smoke.session"];

pub(crate) fn trials() -> Vec<Trial> {
    let library = library();
    let without = library.is_none();
    let trial = |name: &str, clocks: &'static [(&'static str, &'static str)]| {
        let library = library.clone();
        Trial::test(name, move || {
            let library =
                library.ok_or("libfaketime is not installed; `make bootstrap` does that on Debian")?;
            ["containers", "processes"].into_iter().try_for_each(|runner| holds(&library, clocks, runner))
        })
        .with_ignored_flag(without)
    };
    vec![
        trial("an_api_ahead_and_a_worker_behind_change_no_life", &[("api", "+1h"), ("worker", "-1h")]),
        trial("an_api_behind_and_a_worker_ahead_change_no_life", &[("api", "-1h"), ("worker", "+1h")]),
        trial("a_database_ahead_changes_no_life", &[("postgres", "+1h")]),
    ]
}

/// Where Debian's package puts it.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?;
    let mut files = folders.flatten().map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    files.find(|file| file.exists())
}

/// The gate passes all the same.
fn holds(library: &std::path::Path, clocks: &[(&str, &str)], runner: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let mut services = String::new();
    for (service, skew) in clocks {
        let wrong = format!(
            "volumes: ['{}:{INSIDE}:ro'], environment: {{ LD_PRELOAD: {INSIDE}, FAKETIME: '{skew}', \
             DONT_FAKE_MONOTONIC: '1' }}",
            library.display()
        );
        let sees =
            if skew.starts_with('+') { format!("-gt {}", now + HALF) } else { format!("-lt {}", now - HALF) };
        writeln!(services, "  {service}: {{ {wrong} }}")?;
        // The library is not missed where it cannot be loaded: the stack comes up only if a program with it is misled.
        writeln!(
            services,
            "  clock-of-{service}: {{ image: '${{TOOLBOX_IMAGE}}', pull_policy: never, {wrong}, restart: 'no', \
             entrypoint: [bash, -c, '[ \"$$(date +%s)\" {sees} ]; exit'], x-shakedown: {{ kind: oneshot }} }}"
        )?;
    }
    let overlay = folder.path().join("clocks.yaml");
    fs::write(&overlay, format!("services:\n{services}"))?;
    let (overlay, report) = (overlay.display().to_string(), folder.path().join("report"));
    let reported = report.display().to_string();
    let mut arguments = vec!["gate", "--runner", runner, "--overlay", &overlay, "--report", &reported];
    arguments.extend(KINDS.iter().flat_map(|kind| ["--only", kind]));
    let done = run(&arguments, Some(&report))?;
    expect(&done, 0, &["0 failed, 0 unknown"])
        .map_err(|error| format!("as {runner}: {}", error.message().unwrap_or_default()).into())
}
