//! Load: how much the stack does, how soon and at what cost, and that it refuses kindly what is beyond that.
//!
//! Everything is told as a ratio of two things that were seen in one run on one machine, or held against a bound. The
//! load is made on the machine that bears it, and takes its share of the processors.

mod excess;
mod figure;
mod oha;
mod painting;
mod person;
mod spent;
mod sustained;
mod sweeping;
mod weight;

use std::{collections::BTreeMap, path::PathBuf};

use stack::{ReadError, Stack};

pub use figure::{Figure, Measured};

use crate::{
    definition::Definition,
    event::Events,
    gate::{self, GateError},
    images::Images,
    platform::Platform,
    run::Fate,
    runner::{Pace, RunnerError},
    running::RunningStack,
};

/// Settings for what is measured without limits in the way. They are far off and not out of force: counting costs as
/// much as ever.
const LIMITS_FAR_OFF: [(&str, &str); 6] = [
    ("RATE_LIMIT_CLIENT_REQUESTS", "1000000"),
    ("RATE_LIMIT_ACCOUNT_REQUESTS", "1000000"),
    ("RATE_LIMIT_LOGINS", "1000000"),
    ("RATE_LIMIT_UPLOADS", "1000000"),
    ("UPLOAD_QUOTA_IMAGES", "100000"),
    ("LINK_TTL_SECONDS", "3600"),
];

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The definition is wrong.
    #[error("{}", .0.excerpts())]
    Definition(#[from] ReadError),
    /// The stack could not be begun.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The stack cannot be put under load.
    #[error("the stack never came up: service `{service}` {last_seen}")]
    NotUp {
        /// The service.
        service: String,
        /// What was last seen of it.
        last_seen: String,
    },
    /// Something that is measured did not work at all.
    #[error("{0}")]
    Unmeasured(String),
    /// The run could not be removed.
    #[error(transparent)]
    Leftovers(#[from] RunnerError),
}

/// What is put under load, and by what.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The stack.
    pub definition: Definition,
    /// Where the container images are.
    pub images: PathBuf,
    /// The repository that they were built from.
    pub repository: PathBuf,
    /// The program that makes the load.
    pub oha: PathBuf,
}

impl Loaded {
    /// Measures in two runs: one without limits in the way, and one with those that the definition has by default.
    pub async fn measure(&self, events: &Events) -> Result<Measured, LoadError> {
        let variables = Images::open(&self.images).map_err(GateError::from)?.variables();
        let far_off = LIMITS_FAR_OFF.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let generous = self.definition.read_with(&BTreeMap::from(far_off), &variables)?;
        let by_default = self.definition.read(&variables)?;
        let (platform, images) = gate::prepare(&self.images, &self.repository, None, events).await?;
        let mut measured = Measured::default();

        let running = begin(generous, &platform, &images, events).await?;
        let sustained = sustained::measure(&running, &self.oha, &mut measured, events).await;
        running.teardown().await?;
        let sustained = sustained.map_err(LoadError::Unmeasured)?;

        let running = begin(by_default, &platform, &images, events).await?;
        let limited = excess::within_limits(&running, &self.oha, &sustained, &mut measured, events).await;
        running.teardown().await?;
        limited.map_err(LoadError::Unmeasured)?;
        Ok(measured)
    }

    /// Measures how the worker sweeps a backlog, in one run.
    pub async fn measure_sweeping(&self, events: &Events) -> Result<Measured, LoadError> {
        let variables = Images::open(&self.images).map_err(GateError::from)?.variables();
        let stack = self.definition.read(&variables)?;
        let (platform, images) = gate::prepare(&self.images, &self.repository, None, events).await?;
        let running = begin(stack, &platform, &images, events).await?;
        let mut measured = Measured::default();
        let swept = sweeping::measure(&running, &mut measured, events).await;
        running.teardown().await?;
        swept.map_err(LoadError::Unmeasured)?;
        Ok(measured)
    }
}

async fn begin(
    stack: Stack,
    platform: &Platform,
    images: &Images,
    events: &Events,
) -> Result<RunningStack, LoadError> {
    let (platform, images) = (platform.clone(), images.clone());
    let brought = gate::begin(stack, platform, images, Fate::Removed, Pace::Together, events).await?;
    match brought.bring_up.failure {
        None => Ok(brought.running),
        Some(failure) => {
            brought.running.teardown().await?;
            Err(LoadError::NotUp { service: failure.service, last_seen: failure.last_seen })
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "requests, bytes and jobs of a measurement are far below 2^52"
)]
fn number(count: u64) -> f64 {
    count as f64
}
