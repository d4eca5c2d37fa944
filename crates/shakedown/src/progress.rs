//! What a person sees while the command works: a moving line in a terminal, plain lines elsewhere.

use std::{
    collections::BTreeSet,
    io::{IsTerminal, Write},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use harness::{
    event::{Event, Events},
    report::Style,
};
use indicatif::{ProgressBar, ProgressStyle};

/// Whether people who read standard output see colours.
pub(crate) fn style() -> Style {
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if coloured { Style::Coloured } else { Style::Plain }
}

/// Writes a line to standard output. A reader that went away is no error.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Writes an error to standard error.
pub(crate) fn complain(message: &str) {
    let coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let word = if coloured { "\x1b[1;31merror:\x1b[0m" } else { "error:" };
    let _ = writeln!(std::io::stderr(), "{word} {message}");
}

/// Shows events on standard error as they come.
pub(crate) fn shown() -> Events {
    let bar = std::io::stderr().is_terminal().then(|| {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    });
    let waiting: Mutex<BTreeSet<String>> = Mutex::default();
    Events::to(move |event| {
        let line = |text: String| match &bar {
            Some(bar) => bar.println(text),
            None => drop(writeln!(std::io::stderr(), "{text}")),
        };
        let set = |text: String| {
            if let Some(bar) = &bar {
                bar.set_message(text);
            }
        };
        let waited_for = |waiting: &BTreeSet<String>| {
            set(format!("waiting for {}", waiting.iter().cloned().collect::<Vec<_>>().join(", ")));
        };
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Step(step) => set(step),
            Event::StepDone(step, took) => line(format!("{:>7.1} s  {step}", took.as_secs_f64())),
            Event::Started(service) => {
                waiting.insert(service);
                waited_for(&waiting);
            }
            Event::Ready(service, took) => {
                line(format!("{:>7.1} s    {service} is ready", took.as_secs_f64()));
                waiting.remove(&service);
                waited_for(&waiting);
            }
            Event::Waiting(service, seen) => set(format!("{service}: {seen}")),
            Event::Note(text) => line(format!("           {text}")),
            Event::Judged(_) => {
                if let Some(bar) = &bar {
                    bar.finish_and_clear();
                }
            }
        }
    })
}
