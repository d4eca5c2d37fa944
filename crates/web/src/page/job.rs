//! `/jobs/{id}`: waiting for a portrait.

use askama::Template;
use serde::Serialize;

use super::Shell;

/// The page of a job that is not done: when it is, the server leads on to the image.
#[derive(Debug, Clone, Template)]
#[template(path = "job.html")]
pub struct Job {
    /// Around it.
    pub shell: Shell,
    /// Of the job; how far it got is at `/jobs/{id}/state`.
    pub id: String,
    /// `halftone` or `duotone`.
    pub effect: String,
    /// How far it got.
    pub state: JobState,
    /// Why there is no portrait, in whole sentences; only when it failed.
    pub failure: Option<String>,
    /// A browser without JavaScript asks again after so many seconds.
    pub refresh_seconds: u32,
}

/// How far a job got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waiting for a worker.
    Queued,
    /// A worker is at it.
    Running,
    /// There is a portrait.
    Done,
    /// There will be none.
    Failed,
}

/// What `/jobs/{id}/state` answers, as JSON, to the page's script.
#[derive(Debug, Clone, Serialize)]
pub struct JobProgress {
    /// How far it got.
    pub state: JobState,
    /// The path to go on to; only when it is done.
    pub next: Option<String>,
    /// Why there is no portrait; only when it failed.
    pub failure: Option<String>,
}

impl Job {
    fn failed(&self) -> bool {
        self.state == JobState::Failed
    }

    fn running(&self) -> bool {
        self.state == JobState::Running
    }
}
