//! Reports: the verdicts of one run, for people and for programs. Pure; a report never sees a probe.

mod terminal;

use std::{collections::BTreeMap, fs, io, path::Path, time::Duration};

use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub use terminal::{Style, summary, verdict_line};

use crate::{
    canary::Search,
    gate::Brought,
    images::PackageSource,
    runner::{BringUp, millis},
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
    /// The container engine's version.
    pub engine: String,
    /// Container images by name, by the digest of their configuration.
    pub images: BTreeMap<String, String>,
    /// Where the packages in them came from.
    pub package_source: PackageSource,
    /// How bring-up went.
    pub bring_up: BringUp,
    /// How many verdicts of each outcome.
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
            started_at: started_at.format(&Rfc3339).unwrap_or_default(),
            duration_ms: millis(duration),
            runner: brought.running.runner().name().into(),
            engine: brought.engine.version.clone(),
            images: digests.collect(),
            package_source: manifest.package_source.clone(),
            bring_up: brought.bring_up.clone(),
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

    /// Writes `report.json` into `folder`, which is made where it is missing. The file appears whole or not at all.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let json = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        let partial = folder.join(".report.json.partial");
        fs::write(&partial, json)?;
        fs::rename(partial, folder.join("report.json"))
    }
}
