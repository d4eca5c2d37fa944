//! Photos that come in while the worker is away. One waits for it, and is looked at where it waits; the other is taken away
//! from it, as a Redis does that was restarted.

use std::time::Duration;

use super::{ended_well, failed_with_words, marked, photo::MarkedPhoto, sign_in};
use crate::{
    canary::Search,
    observation::{Inputs, Seen, Waiting},
    probe::{keyspace, person::Person, worker},
    running::RunningStack,
};

/// Uploads two photos while no worker runs. By itself: whoever else waits for a job meanwhile waits a little longer.
pub async fn observe_waiting(running: &RunningStack, inputs: &mut Inputs) {
    if inputs.story.broken.is_some() {
        return;
    }
    if let Err(why) = tell(running, inputs).await {
        inputs.story.broken = Some(why);
    }
}

async fn tell(running: &RunningStack, inputs: &mut Inputs) -> Seen<()> {
    let ida = sign_in(running, inputs, "ida").await?;
    let (waiting, lost) = (marked(running, "waiting")?, marked(running, "lost")?);
    let sent = while_away(running, inputs, &ida, [&waiting, &lost]);
    let [waits, taken_away] = worker::frozen(running, sent).await?;
    ended_well(running, &ida, inputs, "waiting", Some(waits), &waiting).await;
    failed_with_words(&ida, inputs, "lost", "road.lost", &taken_away).await;
    Ok(())
}

/// The two jobs.
async fn while_away(
    running: &RunningStack,
    inputs: &mut Inputs,
    ida: &Person,
    [waiting, lost]: [&MarkedPhoto; 2],
) -> Seen<[String; 2]> {
    for (road, photo) in [("waiting", waiting), ("lost", lost)] {
        let sent = ida.upload_named(road, &photo.name, &photo.bytes, "duotone", Some(super::TTL)).await;
        inputs.story.keep(sent);
    }
    let jobs = [inputs.story.need("waiting", "/id")?, inputs.story.need("lost", "/id")?];
    let mut redis = keyspace::connect(running).await?;
    let keys = keyspace::read(&mut redis).await?;
    let marker = &running.plan().run.marker;
    let of = |photo: &MarkedPhoto| Search::new(&photo.markers, marker);
    let (of_waiting, of_lost) = (of(waiting), of(lost));
    let holds = |search: &Search, key: &keyspace::Key| !search.findings(&key.value).is_empty();
    let left = keys.iter().filter(|key| holds(&of_waiting, key)).map(|key| key.left).collect();
    let at_most = longest(running);
    inputs.waiting = Some(at_most.map(|at_most| Waiting { left, at_most }));
    for key in keys.iter().filter(|key| holds(&of_lost, key)) {
        keyspace::remove(&mut redis, key).await?;
    }
    Ok(jobs)
}

/// For how long an input may wait, as the api is told.
fn longest(running: &RunningStack) -> Seen<Duration> {
    let told = running.service("api")?.environment.get("INPUT_TTL_SECONDS");
    let seconds = told.and_then(|text| text.parse().ok()).ok_or("api has no INPUT_TTL_SECONDS")?;
    Ok(Duration::from_secs(seconds))
}
