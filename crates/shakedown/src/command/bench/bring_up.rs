//! `shakedown bench bring-up`: how good bring-up is, against what it could be at best and against starting one by one.

use std::path::Path;

use harness::{
    event::Events,
    gate,
    images::Images,
    platform::RunnerKind,
    run::Fate,
    runner::{BringUp, Pace, longest_path_ms},
    verdict::exit,
};
use stack::Stack;

use super::{
    super::{Failure, repository},
    median,
};
use crate::{
    args,
    progress::{self, say},
};

/// Bring-up may take this much of the longest chain of services' own times.
const BOUND: f64 = 1.15;
/// Bring-up as processes may take this much of bring-up as containers.
const PROCESSES_BOUND: f64 = 0.6;

pub(super) async fn run(bench: args::Bench) -> Result<u8, Failure> {
    let repository = repository()?;
    let folder = bench.images.folder(&repository);
    let manifest = Images::open(&folder)?;
    let definition = bench.definition.definition(&repository);
    let variables = manifest.variables();
    let events = progress::shown();
    let mut to_longest_path = Vec::new();
    let mut to_together = Vec::new();
    let mut to_containers = Vec::new();
    let measured = async |runner, pace| {
        let stack = definition.read_for_gate(&variables)?;
        bring_up(stack, &folder, &repository, runner, pace).await
    };
    for round in 1..=bench.rounds {
        let together = measured(RunnerKind::Containers, Pace::Together).await?;
        let alone = measured(RunnerKind::Containers, Pace::OneByOne).await?;
        let processes = measured(RunnerKind::Processes, Pace::Together).await?;
        let stack = definition.read(&variables)?;
        let longest = longest_path_ms(&stack, &alone.services);
        to_longest_path.push(ratio(together.total_ms, longest));
        to_together.push(ratio(alone.total_ms, together.total_ms));
        to_containers.push(ratio(processes.total_ms, together.total_ms));
        events.send(harness::event::Event::Note(format!(
            "round {round}: together {} ms, longest path {longest} ms, one by one {} ms, as processes {} ms",
            together.total_ms, alone.total_ms, processes.total_ms
        )));
    }
    let (found, one_by_one) = (median(&mut to_longest_path), median(&mut to_together));
    say(&format!("bring-up / longest path of own times   {found:.2}   of at most {BOUND}"));
    say(&format!("one by one / bring-up                  {one_by_one:.2}"));
    let processes = median(&mut to_containers);
    say(&format!("as processes / as containers           {processes:.2}   of at most {PROCESSES_BOUND}"));
    Ok(if found <= BOUND && processes <= PROCESSES_BOUND { exit::PASS } else { exit::FAIL })
}

/// Brings the stack up in a run of its own, takes it down, and tells how it went.
async fn bring_up(
    stack: Stack,
    folder: &Path,
    repository: &Path,
    runner: RunnerKind,
    pace: Pace,
) -> Result<BringUp, Failure> {
    let silent = Events::ignored();
    let (platform, images) = gate::prepare(folder, repository, Some(runner), &silent).await?;
    let brought = gate::begin(stack, platform, images, Fate::Removed, pace, &silent).await?;
    brought.running.teardown().await?;
    match &brought.bring_up.failure {
        None => Ok(brought.bring_up),
        Some(failure) => Err(Failure::not_up(format!("`{}` {}", failure.service, failure.last_seen))),
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a bring-up are far below 2^52")]
fn ratio(numerator_ms: u64, denominator_ms: u64) -> f64 {
    numerator_ms as f64 / denominator_ms.max(1) as f64
}
