//! A service that was started once more, and is to be back.

use std::time::Duration;

use crate::{
    observation::Seen,
    poll::{self, Attempt},
    running::RunningStack,
};

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
