//! The service that takes jobs, as others see it: frozen, killed, and back.

use std::time::Duration;

use crate::{
    dependencies::instances_of,
    observation::Seen,
    probe::started,
    runner::{End, RunnerError, all_of},
    running::RunningStack,
};

/// Its name.
pub(crate) const WORKER: &str = "worker";
/// It answers within this after its start.
const BACK_WITHIN: Duration = Duration::from_secs(15);

/// Freezes every worker while something happens. Whatever that comes to: nobody is left frozen.
pub(crate) async fn frozen<T>(running: &RunningStack, meanwhile: impl Future<Output = Seen<T>>) -> Seen<T> {
    let workers = instances_of(running.stack(), WORKER);
    let runner = running.runner();
    let seen = async {
        for worker in &workers {
            runner.pause(worker).await.map_err(told)?;
        }
        meanwhile.await
    };
    let seen = seen.await;
    let thawed = all_of(workers.iter().map(|worker| runner.unpause(worker))).await;
    let seen = seen?;
    thawed.map_err(told)?;
    Ok(seen)
}

/// Ends every worker, and has them dead while something happens. Whatever that comes to: each is started again, and waited
/// for until it answers.
pub(crate) async fn dead<T>(
    running: &RunningStack,
    end: End,
    meanwhile: impl Future<Output = Seen<T>>,
) -> Seen<T> {
    let workers = instances_of(running.stack(), WORKER);
    let seen = async {
        for worker in &workers {
            running.runner().kill(worker, end).await.map_err(told)?;
        }
        meanwhile.await
    };
    let seen = seen.await;
    let back = started::again(running, &workers, "/health", BACK_WITHIN).await;
    let seen = seen?;
    back?;
    Ok(seen)
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn told(error: RunnerError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
