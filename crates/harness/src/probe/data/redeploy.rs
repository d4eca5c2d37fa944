//! Every service is stopped and started, as when each of them gets a new version.

use std::collections::{BTreeMap, BTreeSet};

use super::{listed, moment_of, output, outputs, picture, sign_in, somebody};
use crate::{
    event::Events,
    observation::{Redeployed, Seen},
    poll::{self, Attempt},
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
    let before = listed(&dora).await?;
    let mut bytes = BTreeMap::new();
    for image in &before {
        bytes.insert(image.clone(), picture(&dora, image).await?);
    }
    // The last one, so that its life ends while nobody is there to see it.
    let ttl = running.stack().options.ttl;
    let (_, ended) = output(&dora, &ttl.as_secs().to_string()).await?;
    let moment = moment_of(&dora, &ended).await?;

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
    let login = login.answer.map(|answer| answer.status);
    let mut seen = Redeployed {
        instances: instances.len(),
        login,
        before,
        after: BTreeSet::new(),
        same: BTreeSet::new(),
        ended: ended.clone(),
        ended_answer: Err("nobody could ask for it".into()),
        ended_gone_after: None,
    };
    if dora.token().is_none() {
        return Ok(seen);
    }
    let clock = Clock::of(running).await?;
    clock.sleep_until(moment).await;
    seen.after = listed(&dora).await?;
    for (image, bytes) in &bytes {
        if picture(&dora, image).await.is_ok_and(|now| now == *bytes) {
            seen.same.insert(image.clone());
        }
    }
    let asked = dora.get("redeploy.ended", &format!("/api/v1/images/{ended}")).await;
    seen.ended_answer = asked.answer.map(|answer| answer.status);
    let gone = poll::until(stack.options.ttl_grace, || async {
        match outputs(running).await {
            Ok(objects) if objects.iter().any(|object| object.is_of(&ended)) => {
                Attempt::NotYet("its object is there".into())
            }
            Ok(_) => Attempt::Ready(clock.since(moment)),
            Err(why) => Attempt::NotYet(why),
        }
    });
    seen.ended_gone_after = gone.await.ok().flatten();
    Ok(seen)
}
