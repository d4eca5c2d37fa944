//! The report as people read it in a terminal.

use std::fmt::Write;

use super::Report;
use crate::verdict::{Outcome, Verdict};

/// Whether a terminal shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// ANSI colours.
    Coloured,
    /// Plain text.
    Plain,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Plain => text.into(),
        }
    }
}

/// One verdict on one line; what went wrong on further lines.
pub fn verdict_line(verdict: &Verdict, style: Style) -> String {
    let (code, word) = match verdict.verdict {
        Outcome::Pass => ("32", "pass   "),
        Outcome::Fail => ("1;31", "FAIL   "),
        Outcome::Unknown => ("1;33", "unknown"),
        Outcome::Skipped => ("2", "skipped"),
    };
    let mut line = format!("{} {:<30} {}", style.paint(code, word), verdict.check, verdict.claim);
    if matches!(verdict.verdict, Outcome::Fail) {
        let _ =
            write!(line, "\n          actual   {}\n          expected {}", verdict.actual, verdict.expected);
    }
    if let Some(reason) = &verdict.reason {
        let _ = write!(line, "\n          because  {reason}");
    }
    line
}

/// The end of a run: what is not a pass, in full, then the counts and the times.
pub fn summary(report: &Report, style: Style) -> String {
    let mut text = String::new();
    if let Some(failure) = &report.bring_up.failure {
        let _ = writeln!(
            text,
            "{} `{}` ({}) {}\n  state: {}",
            style.paint("1;31", "The stack never came up:"),
            failure.service,
            failure.defined_at,
            failure.last_seen,
            failure.state
        );
        if let Some(cause) = &failure.likely_cause {
            let _ = writeln!(text, "  likely cause: {}", style.paint("1", cause));
        }
        if failure.log.is_empty() {
            let _ = writeln!(text, "  its log is empty");
        } else {
            let _ = writeln!(text, "  the last {} lines of its log:", failure.log.len());
            for line in &failure.log {
                let _ = writeln!(text, "  │ {line}");
            }
        }
        let _ = writeln!(text);
    }
    let worse = |verdict: &&Verdict| match verdict.verdict {
        Outcome::Pass => false,
        // When the stack never came up, everything else is unknown for that one reason.
        Outcome::Unknown => report.bring_up.failure.is_none(),
        Outcome::Fail | Outcome::Skipped => true,
    };
    for verdict in report.verdicts.iter().filter(worse) {
        let _ = writeln!(text, "{}", verdict_line(verdict, style));
    }
    let counts: Vec<String> = [
        (Outcome::Pass, "passed", "32"),
        (Outcome::Fail, "failed", "1;31"),
        (Outcome::Unknown, "unknown", "1;33"),
        (Outcome::Skipped, "skipped", "2"),
    ]
    .into_iter()
    .map(|(outcome, word, code)| {
        let count = report.count(outcome);
        let text = format!("{count} {word}");
        if count == 0 { text } else { style.paint(code, &text) }
    })
    .collect();
    let seconds = |ms: u64| std::time::Duration::from_millis(ms).as_secs_f64();
    let took = seconds(report.bring_up.total_ms);
    let came_up = match report.bring_up.failure {
        None => format!("ready after {took:.1} s: {}", report.bring_up.critical_path.join(" → ")),
        Some(_) => format!("given up on after {took:.1} s"),
    };
    let not_asked_for = match report.not_asked_for {
        0 => String::new(),
        count => format!(", {count} not asked for"),
    };
    let took = seconds(report.duration_ms);
    let _ = writeln!(text, "{}{not_asked_for} in {took:.1} s ({came_up})", counts.join(", "));
    text
}
