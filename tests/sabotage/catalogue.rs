//! The catalogue, file by file. Each is sound: it reads, its overlay fits the definition, its check exists. And each is
//! noticed: a gate over the sabotaged stack gives the verdict that the file expects. The second kind takes a stack each,
//! so it runs when asked for: `make sabotage`.

use std::{collections::BTreeSet, path::Path, process::ExitCode};

use harness::{
    check::{self, Check},
    definition::Definition,
    event::Events,
    gate::{self, GateOptions},
    images::Images,
    platform::RunnerKind,
    reaper,
    report::{self, Style},
    verdict::Outcome,
};
use libtest_mimic::{Arguments, Failed, Trial};
use sabotage::{Expect, Sabotage};
use stack::Stack;

/// Kinds of checks that have no sabotage of their own yet: their defects are trials of package `e2e`.
const ELSEWHERE: [&str; 4] = ["health.", "order.", "smoke.", "secrets."];
/// Those of them that do have.
const HERE_ALL_THE_SAME: [&str; 2] = ["smoke.browser.", "smoke.assets"];

fn main() -> ExitCode {
    if let Some(code) = reaper::serve_if_asked() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    // Two stacks at once: more only make a small machine slow.
    arguments.test_threads.get_or_insert(2);
    let catalogue = match sabotage::read(&sabotage::catalogue()) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = vec![Trial::test("every_check_has_a_sabotage_or_a_reason", every_check_has_one)];
    for sabotage in catalogue {
        let (one, other) = (sabotage.clone(), sabotage);
        trials.push(Trial::test(format!("sound::{}", one.id), move || sound(&one)));
        let name = format!("noticed::{}", other.id);
        trials.push(Trial::test(name, move || noticed(&other)).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn every_check_has_one() -> Result<(), Failed> {
    let catalogue = sabotage::read(&sabotage::catalogue())?;
    let without = sabotage::without()?;
    let mut known: BTreeSet<&str> = catalogue.iter().map(|sabotage| sabotage.expect.check()).collect();
    known.extend(without.iter().map(|without| without.check.as_str()));
    let checks = check::checks(&e2e::stack()?);
    let begins = |id: &str, beginnings: &[&str]| beginnings.iter().any(|beginning| id.starts_with(beginning));
    let missing: Vec<&str> = checks
        .iter()
        .map(|check| check.id.as_str())
        .filter(|id| !begins(id, &ELSEWHERE) || begins(id, &HERE_ALL_THE_SAME))
        .filter(|id| !known.contains(id))
        .collect();
    // What another definition has besides is looked for where its sabotage is held to be sound.
    let elsewhere = catalogue.iter().filter(|sabotage| !sabotage.over.is_empty());
    let elsewhere: BTreeSet<&str> = elsewhere.map(|sabotage| sabotage.expect.check()).collect();
    let here = checks.iter().map(|check| check.id.as_str()).collect::<BTreeSet<&str>>();
    let gone: Vec<&&str> =
        known.iter().filter(|id| !here.contains(**id) && !elsewhere.contains(**id)).collect();
    if missing.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let told = format!("without a sabotage and a reason: {missing:?}; sabotaged, but no check: {gone:?}");
    Err(told.into())
}

/// The stack with the sabotage in it, and the checks that a run of it needs.
fn sabotaged(sabotage: &Sabotage, images: &Path, folder: &Path) -> Result<(Stack, Vec<Check>), String> {
    let files = sabotage.files(&e2e::repository(), folder)?;
    let variables = Images::open(images).map(|images| images.variables()).unwrap_or_default();
    let definition = Definition { files, profiles: sabotage.profiles.clone() };
    let stack = definition.read_for_gate(&variables).map_err(|error| error.excerpts())?;
    let checks = check::select(check::checks(&stack), &sabotage.only());
    let checks = checks.map_err(|word| format!("no check is called {word}"))?;
    Ok((stack, checks))
}

fn sound(sabotage: &Sabotage) -> Result<(), Failed> {
    if sabotage.why.trim().is_empty() {
        return Err("`why` is empty".into());
    }
    // A tampered image needs the sound ones, which a run of it has.
    sabotaged(sabotage, &e2e::images_folder(), tempfile::tempdir()?.path())?;
    Ok(())
}

fn noticed(sabotage: &Sabotage) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let images = sabotage.images(&e2e::images_folder(), folder.path())?;
    let (stack, checks) = sabotaged(sabotage, &images, folder.path())?;
    let options = GateOptions {
        images,
        repository: e2e::repository(),
        // Its archive is what is looked at. An engine would keep the image.
        runner: sabotage.image.as_ref().map(|_| RunnerKind::Processes),
        keep: false,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let gated = runtime.block_on(gate::gate(stack, &options, &checks, &Events::to(|_| {})))?;
    let (check, expected) = match &sabotage.expect {
        Expect::Fail(check) => (check, Outcome::Fail),
        Expect::Pass(check) => (check, Outcome::Pass),
    };
    let verdict = gated.report.verdicts.iter().find(|verdict| verdict.check == *check);
    let verdict = verdict.ok_or_else(|| format!("the run has no verdict about {check}"))?;
    let told = report::verdict_line(verdict, Style::Plain);
    if gated.report.bring_up.failure.is_some() {
        return Err(format!("the stack never came up: {told}").into());
    }
    if verdict.verdict != expected {
        return Err(format!("expected {expected:?}:\n{told}").into());
    }
    eprintln!("{}: {told}", sabotage.id);
    Ok(())
}
