//! `shakedown bench expiry`: how long the gate of expiry takes, against what it has to wait for.

use std::time::Duration;

use harness::{
    check,
    event::{Event, Events},
    gate::{self, GateOptions},
    images::Images,
    verdict::exit,
};

use super::super::{Failure, repository};
use crate::{
    args,
    progress::{self, say},
};

/// How long an output lives that is measured with: long enough that its life is most of what is waited for.
const TTL: Duration = Duration::from_secs(3);
/// An output's life is waited for at most so often, one after the other; what else is waited for overlaps with it.
const LIVES: u32 = 2;
/// For everything else: taking pictures in, making them, sweeping them.
const BESIDES: Duration = Duration::from_secs(10);
/// The kind of checks that is measured.
const KIND: &str = "ttl";

pub(super) async fn run(bench: args::Bench) -> Result<u8, Failure> {
    let repository = repository()?;
    let images = bench.images.folder(&repository);
    let variables = Images::open(&images)?.variables();
    let definition = bench.definition.definition(&repository);
    let events = progress::shown();
    let mut ratios = Vec::new();
    for round in 1..=bench.rounds {
        let mut stack = definition.read_for_gate(&variables)?;
        stack.options.ttl = TTL;
        let checks = check::select(check::checks(&stack), &[KIND.to_owned()])
            .map_err(|word| Failure::usage(format!("no check is called `{word}`")))?;
        let (images, repository) = (images.clone(), repository.clone());
        let options = GateOptions { images, repository, runner: None, keep: false };
        let gated = gate::gate(stack, &options, &checks, &Events::ignored()).await?;
        if gated.report.exit_code != exit::PASS {
            let told =
                format!("`--only {KIND}` ended with {}, so nothing was measured", gated.report.exit_code);
            return Err(Failure { code: gated.report.exit_code, message: told });
        }
        let took = Duration::from_millis(gated.report.duration_ms);
        let up = Duration::from_millis(gated.report.bring_up.total_ms);
        let allowed = up + TTL * LIVES + BESIDES;
        ratios.push(took.as_secs_f64() / allowed.as_secs_f64());
        events.send(Event::Note(format!(
            "round {round}: {:.1} s, of which bring-up {:.1} s",
            took.as_secs_f64(),
            up.as_secs_f64()
        )));
    }
    let found = super::median(&mut ratios);
    let (ttl, besides) = (TTL.as_secs(), BESIDES.as_secs());
    say(&format!(
        "gate of {KIND} / (bring-up + {LIVES} lives of {ttl} s + {besides} s)   {found:.2}   of at most 1"
    ));
    Ok(if found <= 1.0 { exit::PASS } else { exit::FAIL })
}
