//! `shakedown bench load` and `shakedown bench sweep`: the stack under load, and what of it is over its bound.

use harness::{
    load::{Figure, Loaded, Measured},
    verdict::exit,
};

use super::super::{Failure, repository};
use crate::{
    args,
    progress::{self, say},
};

pub(super) async fn load(bench: args::Bench) -> Result<u8, Failure> {
    let loaded = loaded(bench)?;
    let measured = loaded.measure(&progress::shown()).await;
    tell(&loaded, &measured.map_err(Failure::not_up)?, "target/shakedown/load.md")
}

pub(super) async fn sweep(bench: args::Bench) -> Result<u8, Failure> {
    let loaded = loaded(bench)?;
    let measured = loaded.measure_sweeping(&progress::shown()).await;
    tell(&loaded, &measured.map_err(Failure::not_up)?, "target/shakedown/sweep.md")
}

fn loaded(bench: args::Bench) -> Result<Loaded, Failure> {
    let repository = repository()?;
    Ok(Loaded {
        definition: bench.definition.definition(&repository),
        images: bench.images.folder(&repository),
        oha: bench.oha,
        repository,
    })
}

/// Prints what was measured, and writes the numbers that hold for this machine alone into a file of the repository.
fn tell(loaded: &Loaded, measured: &Measured, numbers: &str) -> Result<u8, Failure> {
    for figure in &measured.figures {
        say(&line(figure));
    }
    let file = loaded.repository.join(numbers);
    let written = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = written.and_then(|()| std::fs::write(&file, measured.markdown()));
    written.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    say(&format!("what these were made of, on this machine: {numbers}"));
    Ok(if measured.holds() { exit::PASS } else { exit::FAIL })
}

/// A figure as a line: what, how much, of at most how much.
fn line(figure: &Figure) -> String {
    let Figure { what, found, at_most, seen } = figure;
    let line = format!("{what:<84} {found:>8.2}");
    match at_most {
        None => line,
        Some(bound) if figure.is_over() => format!("{line}  of at most {bound}  OVER ITS BOUND ({seen})"),
        Some(bound) => format!("{line}  of at most {bound}  ok"),
    }
}
