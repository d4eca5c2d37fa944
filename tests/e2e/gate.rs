//! This repository's gate as tests: one test per check, derived from the list of checks, over one running stack.
//!
//! The first test that runs brings the stack up and has everything observed that the chosen tests need; the others find
//! their verdict there. It is taken down explicitly at the end.

use std::{
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use harness::{
    check::{self, Check},
    event::{Event, Events},
    gate::{self, GateOptions},
    reaper,
    report::{self, Report, Style},
    verdict::{Outcome, Verdict},
};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use stack::Stack;

fn main() -> ExitCode {
    if let Some(code) = reaper::serve_if_asked() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    // Every test waits for the same one run: more threads would only wait more.
    arguments.test_threads = Some(1);
    let stack = match e2e::stack() {
        Ok(stack) => stack,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(harness::verdict::exit::USAGE);
        }
    };
    let names: Vec<String> = check::checks(&stack).into_iter().map(|check| check.id).collect();
    let probes: Vec<Trial> = names.iter().map(|name| Trial::test(name.clone(), || Ok(()))).collect();
    let chosen: Vec<String> = probes
        .iter()
        .filter(|trial| !arguments.is_filtered_out(trial))
        .map(|trial| trial.name().to_owned())
        .collect();
    let run = Arc::new(Run { stack, chosen, gated: OnceLock::new() });
    let trials = names.into_iter().map(|name| {
        let run = Arc::clone(&run);
        Trial::ignorable_test(name.clone(), move || run.verdict(&name))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// The one run that all tests share.
struct Run {
    stack: Stack,
    chosen: Vec<String>,
    gated: OnceLock<Result<Report, String>>,
}

impl Run {
    fn verdict(&self, name: &str) -> Result<Completion, Failed> {
        let report = self.gated.get_or_init(|| self.gate()).as_ref()?;
        let verdict = report.verdicts.iter().find(|verdict| verdict.check == name);
        let verdict = verdict.ok_or("the run has no verdict about it")?;
        match verdict.verdict {
            Outcome::Pass => Ok(Completion::Completed),
            Outcome::Skipped => Ok(Completion::ignored_with(reason(verdict))),
            Outcome::Fail | Outcome::Unknown => Err(report::verdict_line(verdict, Style::Plain).into()),
        }
    }

    fn gate(&self) -> Result<Report, String> {
        let all = check::checks(&self.stack);
        let checks: Vec<Check> = all.into_iter().filter(|check| self.chosen.contains(&check.id)).collect();
        let options = GateOptions {
            images: e2e::images_folder(),
            repository: e2e::repository(),
            runner: None,
            keep: false,
        };
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        let gated = runtime.block_on(gate::gate(self.stack.clone(), &options, &checks, &shown()));
        let gated = gated.map_err(|error| error.to_string())?;
        if let Some(leftovers) = gated.leftovers {
            return Err(leftovers.to_string());
        }
        let folder = e2e::repository().join("target/shakedown/e2e");
        gated.report.write(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        eprintln!("{}", report::summary(&gated.report, Style::Plain));
        Ok(gated.report)
    }
}

fn reason(verdict: &Verdict) -> String {
    verdict.reason.clone().unwrap_or_else(|| "no reason given".into())
}

/// Steps of the gate, for whoever waits.
fn shown() -> Events {
    Events::to(|event| match event {
        Event::StepDone(step, took) => eprintln!("{:>7.1} s  {step}", took.as_secs_f64()),
        Event::Ready(service, took) => eprintln!("{:>7.1} s    {service} is ready", took.as_secs_f64()),
        Event::Note(note) => eprintln!("           {note}"),
        _ => {}
    })
}
