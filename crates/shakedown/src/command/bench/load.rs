//! `shakedown bench load` and `shakedown bench sweep`: the stack under load, and what of it is over its bound.

use harness::{
    load::{Figure, Loaded},
    verdict::exit,
};

use super::super::{Failure, repository};
use crate::{
    args::{self, Subject},
    progress::{self, say},
};

pub(super) async fn run(bench: args::Bench) -> Result<u8, Failure> {
    let repository = repository()?;
    let loaded = Loaded {
        definition: bench.definition.definition(&repository),
        images: bench.images.folder(&repository),
        oha: bench.oha,
        repository: repository.clone(),
    };
    let events = progress::shown();
    // Where the numbers go that hold for this machine alone.
    let (measured, numbers) = match bench.subject {
        Subject::Sweep => (loaded.measure_sweeping(&events).await, "target/shakedown/sweep.md"),
        _ => (loaded.measure(&events).await, "target/shakedown/load.md"),
    };
    let measured = measured.map_err(Failure::not_up)?;
    for figure in &measured.figures {
        say(&line(figure));
    }
    let file = repository.join(numbers);
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
