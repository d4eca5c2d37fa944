//! Every service is stopped and started, as when each of them gets a new version.

use std::time::Duration;

use super::{found_again::Before, listed, output, sign_in, somebody};
use crate::{
    event::Events,
    observation::{Redeployed, Seen},
    probe::clock::Clock,
    runner::{all_of, bring_up},
    running::RunningStack,
};

/// Somebody with outputs, from before.
const WHO: &str = "dora";
/// So many live on.
const LASTING: usize = 2;
/// One more lives so much longer than the shortest life: until all is stopped, on a slow machine too.
const UNTIL_STOPPED: Duration = Duration::from_secs(2);
/// How long after its end all is started again.
const AFTER: Duration = Duration::from_millis(50);

/// By itself, because all is away for a while.
pub(super) async fn observe(running: &RunningStack, events: &Events) -> Seen<Redeployed> {
    let dora = sign_in(running, WHO).await?;
    for _ in 0..LASTING {
        output(&dora, super::TTL).await?;
    }
    let ttl = running.stack().options.ttl + UNTIL_STOPPED;
    let before = Before::of(&dora, listed(&dora).await?, &ttl.as_secs().to_string()).await?;
    // The database will be away, too.
    let clock = Clock::of(running).await?;

    let (runner, stack) = (running.runner(), running.stack());
    let instances = running.instances();
    let stopped = all_of(instances.iter().map(|instance| runner.stop(instance))).await;
    let all_stopped = clock.now();
    clock.sleep_until(before.ends + AFTER).await;
    let ended_while_away = (all_stopped..=clock.now()).contains(&before.ends);
    // Whatever happened: all come back.
    let up = bring_up(runner, stack, running.plan(), events).await;
    stopped.map_err(|error| error.to_string())?;
    if let Some(failure) = up.failure {
        return Err(format!("after it was stopped and started, `{}` {}", failure.service, failure.last_seen));
    }

    let mut dora = somebody(running, WHO).await?;
    let login = dora.log_in("redeploy.login", None).await;
    let outputs = if dora.token().is_some() {
        before.found_again(running, &dora).await
    } else {
        Err("nobody could log in to look".into())
    };
    let login = login.answer.map(|answer| answer.status);
    Ok(Redeployed { instances: instances.len(), login, outputs, ended_while_away })
}
