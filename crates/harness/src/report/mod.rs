//! Reports: the verdicts of one run, for people and for programs. Pure; a report never sees a probe.

mod html;
mod terminal;

use std::{collections::BTreeMap, fs, io, path::Path, time::Duration};

use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub use terminal::{Style, summary, verdict_line};

use crate::{
    canary::Search,
    images::PackageSource,
    runner::{BringUp, millis},
    running::Brought,
    verdict::{Outcome, Verdict, exit_code},
};

/// All that is told of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of this format; 1.
    pub format: u32,
    /// The run's id.
    pub run: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// How long it took in all, in milliseconds.
    pub duration_ms: u64,
    /// The runner.
    pub runner: String,
    /// The container engine's version, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Container images by name, by the digest of their configuration.
    pub images: BTreeMap<String, String>,
    /// Where the packages in them came from.
    pub package_source: PackageSource,
    /// How bring-up went.
    pub bring_up: BringUp,
    /// How many checks there are besides those that were asked for.
    pub not_asked_for: usize,
    /// How many verdicts of each outcome that there is.
    pub counts: BTreeMap<Outcome, usize>,
    /// The exit code that all this amounts to.
    pub exit_code: u8,
    /// The verdicts, in the order of the checks.
    pub verdicts: Vec<Verdict>,
}

impl Report {
    /// The report of a stack that was brought up and not looked at further; [`crate::gate::judge`] makes the others.
    pub fn of_bring_up(brought: &Brought, started_at: OffsetDateTime, duration: Duration) -> Self {
        let manifest = &brought.images.manifest;
        let digests = manifest.images.iter().map(|image| (image.name.clone(), image.config_digest.clone()));
        Self {
            format: 1,
            run: brought.running.plan().run.id.to_string(),
            started_at: started_at
                .replace_nanosecond(0)
                .unwrap_or(started_at)
                .format(&Rfc3339)
                .unwrap_or_default(),
            duration_ms: millis(duration),
            runner: brought.running.runner().kind().name().into(),
            engine: brought.platform.engine_version().map(str::to_owned),
            images: digests.collect(),
            package_source: manifest.package_source.clone(),
            bring_up: brought.bring_up.clone(),
            not_asked_for: 0,
            counts: BTreeMap::new(),
            exit_code: 0,
            verdicts: Vec::new(),
        }
    }

    /// Takes every planted secret out of what is told, and counts. Bring-up that failed decides the
    /// exit code; else the verdicts do, of which no fewer than `fewest_passed` must be passes.
    #[must_use]
    pub fn sealed(mut self, search: &Search, fewest_passed: usize) -> Self {
        for verdict in &mut self.verdicts {
            verdict.actual = search.redact(&verdict.actual);
            verdict.reason = verdict.reason.as_deref().map(|reason| search.redact(reason));
        }
        self.bring_up.failure = self.bring_up.failure.map(|failure| failure.redacted(search));
        for timing in self.bring_up.services.values_mut() {
            timing.last_seen = timing.last_seen.as_deref().map(|seen| search.redact(seen));
        }
        self.counts.clear();
        for verdict in &self.verdicts {
            *self.counts.entry(verdict.verdict).or_default() += 1;
        }
        self.exit_code = match &self.bring_up.failure {
            Some(_) => crate::verdict::exit::NOT_UP,
            None => exit_code(&self.verdicts, fewest_passed),
        };
        self
    }

    /// How many verdicts have this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.counts.get(&outcome).copied().unwrap_or(0)
    }

    /// Writes `report.json` and `report.html` into `folder`, which is made where it is missing. Each appears whole or
    /// not at all.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let json = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        for (name, bytes) in [("report.json", json), ("report.html", html::page(self).into_bytes())] {
            let partial = folder.join(format!(".{name}.partial"));
            fs::write(&partial, bytes)?;
            fs::rename(partial, folder.join(name))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::{canary::Canary, cause::Failure, runner::ServiceTiming};

    fn verdict(check: &str, outcome: Outcome, actual: &str) -> Verdict {
        Verdict {
            check: check.into(),
            verdict: outcome,
            claim: "a claim".into(),
            expected: "201".into(),
            actual: actual.into(),
            reason: (outcome == Outcome::Unknown).then(|| "the story broke off".into()),
            duration_ms: 1200,
        }
    }

    /// A report with a verdict of each kind.
    pub(super) fn report() -> Report {
        let timing = |started, ready| ServiceTiming {
            started_ms: Some(started),
            ready_ms: Some(ready),
            ..ServiceTiming::default()
        };
        let bring_up = BringUp {
            services: IndexMap::from([
                ("postgres".into(), timing(0, 1500)),
                ("redis".into(), timing(0, 300)),
                ("api".into(), timing(1510, 2400)),
            ]),
            total_ms: 2400,
            critical_path: vec!["postgres".into(), "api".into()],
            failure: None,
        };
        let report = Report {
            format: 1,
            run: "1a2b3c4d".into(),
            started_at: "2026-01-02T03:04:05Z".into(),
            duration_ms: 23_400,
            runner: "containers".into(),
            engine: Some("20.10.24".into()),
            images: BTreeMap::from([("api".into(), "sha256:00".into())]),
            package_source: PackageSource { name: "debian".into(), ..PackageSource::default() },
            bring_up,
            not_asked_for: 0,
            counts: BTreeMap::new(),
            exit_code: 0,
            verdicts: vec![
                verdict("health.ready.api", Outcome::Pass, "ready 2400 ms after bring-up began"),
                verdict("smoke.login", Outcome::Fail, "POST /api/v1/sessions answered 500"),
                verdict("ttl.row", Outcome::Unknown, "could not tell"),
            ],
        };
        report.sealed(&Search::new([], "marker"), 1)
    }

    #[test]
    fn the_terminal_tells_what_did_not_pass_and_why() {
        insta::assert_snapshot!(summary(&report(), Style::Plain));
    }

    #[test]
    fn the_terminal_tells_who_never_came_up_and_the_likely_cause() {
        let mut report = report();
        report.verdicts.clear();
        report.bring_up.failure = Some(Failure {
            service: "api".into(),
            defined_at: stack::Location { file: "compose/compose.yaml".into(), line: 95, column: 3 },
            last_seen: "given up after 0.3 s: exited with code 2".into(),
            state: "exited with code 2".into(),
            exit_code: Some(2),
            log: vec!["starting".into(), "OUTPUT_TTL_SECONDS is not valid".into()],
            likely_cause: Some("its last words were: OUTPUT_TTL_SECONDS is not valid".into()),
        });
        insta::assert_snapshot!(summary(&report.sealed(&Search::new([], "marker"), 1), Style::Plain));
    }

    #[test]
    fn a_report_never_holds_a_planted_secret() {
        let canary = Canary::plant("redis_password");
        let search = Search::new([&canary], "marker");
        let mut report = report();
        report.verdicts[1].actual = format!("refused {}", canary.reveal());
        report.verdicts[2].reason = Some(canary.reveal().into());
        let report = report.sealed(&search, 1);
        let told =
            [serde_json::to_string(&report).unwrap(), html::page(&report), summary(&report, Style::Plain)];
        assert!(told.iter().all(|text| search.findings(text.as_bytes()).is_empty()));
        assert!(told[0].contains("[secret redis_password]"));
    }
}
