//! Services that were started once more, and are to be back.

use std::time::Duration;

use crate::{
    observation::Seen,
    poll::{self, Attempt},
    runner::all_of,
    running::RunningStack,
};

/// Stops an instance and starts it again: it is started even where stopping it failed. Whether it is back is for
/// [`answers`] to say.
pub(crate) async fn anew(running: &RunningStack, instance: &str) -> Seen<()> {
    let stopped = running.runner().stop(instance).await;
    let started = running.runner().start(instance).await;
    stopped.and(started).map_err(|error| error.to_string())
}

/// Starts instances at once, each whatever becomes of the others, and waits until all answer `path` with 200, which each
/// does `within` that time of its start. Tells of the first that does not.
pub(crate) async fn again(
    running: &RunningStack,
    instances: &[String],
    path: &str,
    within: Duration,
) -> Seen<()> {
    let back = instances.iter().map(|instance| async move {
        running.runner().start(instance).await.map_err(|error| error.to_string())?;
        answers(running, instance, path, within).await
    });
    all_of(back).await
}

/// Waits until an instance answers `path` with 200, which it does `within` that time of its start.
pub(crate) async fn answers(
    running: &RunningStack,
    instance: &str,
    path: &str,
    within: Duration,
) -> Seen<()> {
    let answers = poll::until(within, || async {
        match running.client_of(instance).await {
            Ok(client) => {
                let exchange = client.get("started", path).await;
                match exchange.status() {
                    Some(200) => Attempt::Ready(()),
                    _ => Attempt::NotYet(format!("{path} answered {}", exchange.outcome())),
                }
            }
            Err(why) => Attempt::NotYet(why),
        }
    });
    answers.await.map_err(|not| format!("`{instance}` was started once more: {not}"))
}
