//! The service that takes jobs, as others see it: killed, and back.

use std::time::Duration;

use crate::{
    dependencies::instances_of,
    observation::Seen,
    probe::started,
    runner::{End, RunnerError},
    running::RunningStack,
};

/// Its name.
pub(crate) const WORKER: &str = "worker";
/// It answers within this after its start.
const BACK_WITHIN: Duration = Duration::from_secs(15);

/// Ends every worker.
pub(crate) async fn kill(running: &RunningStack, end: End) -> Seen<()> {
    for worker in instances_of(running.stack(), WORKER) {
        running.runner().kill(&worker, end).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Starts every worker, and waits until it answers.
pub(crate) async fn start(running: &RunningStack) -> Seen<()> {
    let told = |error: RunnerError| error.to_string();
    for worker in instances_of(running.stack(), WORKER) {
        running.runner().start(&worker).await.map_err(told)?;
        started::answers(running, &worker, "/health", BACK_WITHIN).await?;
    }
    Ok(())
}
