//! `shakedown gate`.

use std::collections::BTreeMap;

use super::{Failure, SHAKEDOWN, interrupted, repository, shortened};
use crate::{
    args,
    progress::{self, say, style},
};
use harness::{
    check::{self, Check},
    gate::{GateOptions, Gated, KeptEntrance},
    images::Images,
    platform::RunnerKind,
    report::{self, Report},
    verdict::{Outcome, exit},
};

pub(crate) async fn run(gate: args::Gate) -> Result<u8, Failure> {
    let repository = repository()?;
    let images = gate.images.folder(&repository);
    let manifest = Images::open(&images)?;
    let stack = gate.definition.definition(&repository).read_for_gate(&manifest.variables())?;
    for warning in &stack.warnings {
        say(&format!("warning: {warning}"));
    }
    let checks = check::select(check::checks(&stack), &gate.only).map_err(|word| {
        Failure::usage(format!(
            "no check is called `{word}`, and none is below it; `{SHAKEDOWN} checks` lists them"
        ))
    })?;
    let runner = gate.runner.map(RunnerKind::from);
    let options = GateOptions { images, repository: repository.clone(), runner, keep: gate.keep };
    let events = progress::shown();
    let folder = gate.report.unwrap_or_else(|| repository.join("target/shakedown/latest"));
    forget(&folder)?;

    let gated = tokio::select! {
        gated = harness::gate::gate(stack, &options, &checks, &events) => gated?,
        () = interrupted() => {
            // The reaper sees this process end and removes what the run owned.
            return Err(Failure { code: exit::INTERRUPTED, message: "interrupted; the stack is being removed".into() });
        }
    };
    let Gated { report, leftovers, kept, held } = gated;
    show(&report, &checks, gate.verbose);
    // What was found weighs more than what could not be written or removed.
    let code = |otherwise: u8| if report.exit_code == exit::PASS { otherwise } else { report.exit_code };
    if let Err(error) = report.write(&folder) {
        return Err(Failure { code: code(exit::USAGE), message: format!("{}: {error}", folder.display()) });
    }
    say(&format!("report: {}, and report.json beside it", shortened(&folder.join("report.html")).display()));
    if gate.keep {
        let id = &report.run;
        say(&format!("The stack was left running as run `{id}`."));
        if let Some(kept) = &kept {
            say(&format!("  open:  {}", how_to_open(kept)));
        }
        say(&format!("  logs:  {SHAKEDOWN} logs --run {id}"));
        match held {
            None => say(&format!("  down:  {SHAKEDOWN} down --run {id} --volumes")),
            Some(running) => {
                say("  down:  Ctrl-C");
                interrupted().await;
                running.teardown().await?;
            }
        }
    }
    if let Some(leftovers) = leftovers {
        let message = format!("{leftovers}; `{SHAKEDOWN} down --run {} --volumes` tries again", report.run);
        return Err(Failure { code: code(exit::NOT_UP), message });
    }
    Ok(report.exit_code)
}

/// How to look at the pages of a stack that has its host ports at random: programs are told where its origin is, and to
/// believe the run's authority.
fn how_to_open(kept: &KeptEntrance) -> String {
    let KeptEntrance { origin, authority, address, trusted } = kept;
    let place = format!("{origin}, here at {address}; for example with");
    match trusted {
        None => format!("{place}\n         curl --connect-to {authority}:{address} {origin}/"),
        Some((file, spki)) => format!(
            "{place}\n         \
             chromium --user-data-dir=$(mktemp -d) --ignore-certificate-errors-spki-list={spki} \
             --host-resolver-rules='MAP {authority} {address}' {origin}/\n         \
             curl --cacert {} --connect-to {authority}:{address} {origin}/",
            file.display()
        ),
    }
}

/// Makes the folder of the reports, and removes those of the run before, so that nobody takes them for this one's.
fn forget(folder: &std::path::Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::usage(format!("the report's folder {}: {error}", folder.display())))?;
    for name in ["report.json", "report.html"] {
        match std::fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::usage(format!("{}: {error}", folder.join(name).display())));
            }
            _ => {}
        }
    }
    Ok(())
}

fn show(report: &Report, checks: &[Check], verbose: bool) {
    let style = style();
    if verbose {
        for verdict in report.verdicts.iter().filter(|verdict| verdict.verdict == Outcome::Pass) {
            say(&report::verdict_line(verdict, style));
        }
    } else {
        for (kind, passed, all) in kinds(report, checks) {
            say(&format!("{kind:<9} {passed} of {all} checks passed"));
        }
    }
    say(&report::summary(report, style));
}

/// How many checks of each kind passed.
fn kinds(report: &Report, checks: &[Check]) -> Vec<(String, usize, usize)> {
    let kind = |id: &str| id.split('.').next().unwrap_or_default().to_owned();
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for verdict in &report.verdicts {
        let count = counts.entry(kind(&verdict.check)).or_default();
        count.0 += usize::from(verdict.verdict == Outcome::Pass);
        count.1 += 1;
    }
    let mut order: Vec<String> = Vec::new();
    for kind in checks.iter().map(|check| kind(&check.id)) {
        // Checks of one kind need not stand together.
        if !order.contains(&kind) {
            order.push(kind);
        }
    }
    order.into_iter().filter_map(|kind| counts.get(&kind).map(|&(passed, all)| (kind, passed, all))).collect()
}
