//! What is told of a measurement: ratios, some with a bound, and beside them what they were made of.

use std::time::Duration;

use super::{oha::Answers, spent::Spent};

/// Whose processor time is told for itself.
const SERVICES: [&str; 5] = ["proxy", "web", "api", "redis", "postgres"];

/// One ratio or count, and the most it may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is of: `/gallery: p99 / 100 ms`.
    pub what: String,
    /// What was found.
    pub found: f64,
    /// The most it may be, where there is such a thing.
    pub at_most: Option<f64>,
    /// What it was made of, where that helps whoever sees it over its bound.
    pub seen: String,
}

impl Figure {
    pub(super) fn ratio(what: impl Into<String>, found: f64) -> Self {
        Self { what: what.into(), found, at_most: None, seen: String::new() }
    }

    pub(super) fn at_most(mut self, bound: f64) -> Self {
        self.at_most = Some(bound);
        self
    }

    pub(super) fn seen(mut self, seen: impl Into<String>) -> Self {
        self.seen = seen.into();
        self
    }

    /// Whether it is over its bound. What is no number is.
    pub fn is_over(&self) -> bool {
        self.at_most.is_some_and(|bound| self.found.is_nan() || self.found > bound)
    }
}

/// Requests that were all alike, as they were answered and what they cost.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) what: String,
    pub(super) answers: Answers,
    pub(super) spent: Spent,
}

impl Load {
    /// Milliseconds of processor time that one answer took of all services together.
    pub(super) fn processor_ms(&self) -> f64 {
        millis(self.spent.values().sum()) / super::number(self.answers.count())
    }

    /// A row of a table, in numbers that hold for this machine alone.
    fn row(&self) -> String {
        let Answers { per_second, p50, p99, .. } = &self.answers;
        let (p50, p99, all) = (millis(*p50), millis(*p99), self.processor_ms());
        let of = |service: &str| {
            let spent = self.spent.get(service).copied().unwrap_or_default();
            format!(" {:.2} |", millis(spent) / super::number(self.answers.count()))
        };
        let each: String = SERVICES.into_iter().map(of).collect();
        format!("| {} | {per_second:.0} | {p50:.1} | {p99:.1} | {all:.2} |{each}", self.what)
    }
}

/// All that was measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// What holds on any machine, more or less, in the order of measuring.
    pub figures: Vec<Figure>,
    loads: Vec<Load>,
    /// Lines on what else was seen, with numbers that hold for this machine alone.
    notes: Vec<String>,
}

impl Measured {
    /// Whether every bound holds.
    pub fn holds(&self) -> bool {
        !self.figures.iter().any(Figure::is_over)
    }

    pub(super) fn tell(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub(super) fn keep(&mut self, load: &Load) {
        self.loads.push(load.clone());
    }

    /// What was seen in numbers that hold for this machine alone, as Markdown.
    pub fn markdown(&self) -> String {
        let head = format!(
            "| load | answers/s | p50, ms | p99, ms | processor time per answer, ms | of it {} |",
            SERVICES.join(" | ")
        );
        let rule = "| --- ".repeat(5 + SERVICES.len()) + "|";
        let rows = self.loads.iter().map(Load::row);
        let notes = self.notes.iter().map(|note| format!("- {note}"));
        let table = [head, rule].into_iter().chain(rows).chain([String::new()]);
        let table = table.filter(|_| !self.loads.is_empty());
        table.chain(notes).collect::<Vec<_>>().join("\n") + "\n"
    }
}

/// Milliseconds with their fractions.
pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_over_its_bound_when_it_is_larger_or_no_number() {
        let of = |found: f64| Figure::ratio("p99 / 100 ms", found).at_most(1.0);
        assert!(!of(0.99).is_over());
        assert!(!of(1.0).is_over());
        assert!(of(1.01).is_over());
        assert!(of(f64::NAN).is_over());
        assert!(!Figure::ratio("without a bound", 1e9).is_over());
        let measured = Measured { figures: vec![of(0.5), of(2.0)], ..Measured::default() };
        assert!(!measured.holds());
    }
}
