//! Every service is stopped and started, as when each of them gets a new version.

use super::{found_again::Before, listed, output, sign_in, somebody};
use crate::{
    event::Events,
    observation::{Redeployed, Seen},
    probe::clock::Clock,
    runner::bring_up,
    running::RunningStack,
};

/// Somebody with outputs, from before.
const WHO: &str = "dora";
/// So many live on.
const LASTING: usize = 2;

/// By itself, because all is away for a while.
pub(super) async fn observe(running: &RunningStack, events: &Events) -> Seen<Redeployed> {
    let dora = sign_in(running, WHO).await?;
    for _ in 0..LASTING {
        output(&dora, super::TTL).await?;
    }
    let ttl = running.stack().options.ttl.as_secs().to_string();
    let before = Before::of(&dora, listed(&dora).await?, &ttl).await?;

    let (runner, stack) = (running.runner(), running.stack());
    let instances = running.instances();
    let stops = instances.iter().map(|instance| runner.stop(instance));
    futures::future::try_join_all(stops).await.map_err(|error| error.to_string())?;
    let up = bring_up(runner, stack, running.plan(), events).await;
    if let Some(failure) = up.failure {
        return Err(format!("after it was stopped and started, `{}` {}", failure.service, failure.last_seen));
    }

    let mut dora = somebody(running, WHO).await?;
    let login = dora.log_in("redeploy.login", None).await;
    let outputs = if dora.token().is_some() {
        Clock::of(running).await?.sleep_until(before.ends).await;
        before.found_again(running, &dora).await
    } else {
        Err("nobody could log in to look".into())
    };
    let login = login.answer.map(|answer| answer.status);
    Ok(Redeployed { instances: instances.len(), login, outputs })
}
