//! Photos whose way is cut off: the worker dies with one in its hands, and Redis is started anew while another waits there.

use std::time::Duration;

use sqlx::{Connection, Row};

use super::{ended_well, failed_with_words, marked, photo::MarkedPhoto, sign_in};
use crate::{
    dependencies::{self, instances_of},
    engine::innermost,
    observation::{Inputs, Seen},
    poll::{self, Attempt},
    probe::{keyspace, person::Person, started, worker},
    runner::End,
    running::RunningStack,
};

/// A worker that has all that it needs has painted a photo, and comes to write its row, within this.
const PAINTED_WITHIN: Duration = Duration::from_secs(20);
/// Whoever needs Redis has it back within this after its start.
const BACK_WITHIN: Duration = Duration::from_secs(20);

/// A job that was cut off, and whose end comes later.
#[derive(Debug)]
pub struct CutOff {
    person: Person,
    job: String,
    photo: MarkedPhoto,
}

/// The worker is ended by SIGABRT while it has a photo. Another attempt is made when it was silent for long enough.
pub async fn observe_killed(running: &RunningStack, inputs: &mut Inputs) -> Option<CutOff> {
    begun(kill(running, inputs).await, inputs)
}

/// First waits for the end of the job whose worker was killed: Redis has its photo. Then Redis is stopped and started while
/// another waits there, with no worker to take it.
pub async fn observe_restarted(
    running: &RunningStack,
    inputs: &mut Inputs,
    killed: Option<CutOff>,
) -> Option<CutOff> {
    let CutOff { person, job, photo } = killed?;
    ended_well(running, &person, inputs, "killed", Some(job), &photo).await;
    begun(restart(running, inputs, &person).await, inputs)
}

/// Waits for the end of the job whose photo Redis has lost.
pub async fn observe_lost(inputs: &mut Inputs, restarted: Option<CutOff>) {
    let Some(CutOff { mut person, job, .. }) = restarted else { return };
    // Sessions were lost as well.
    inputs.story.keep(person.log_in("restarted.login", None).await);
    failed_with_words(&person, inputs, "restarted", "road.restarted", &job).await;
}

/// Where it could not be begun, the story is broken.
fn begun(cut_off: Seen<CutOff>, inputs: &mut Inputs) -> Option<CutOff> {
    match cut_off {
        Ok(cut_off) => Some(cut_off),
        Err(why) => {
            inputs.story.broken.get_or_insert(why);
            None
        }
    }
}

async fn kill(running: &RunningStack, inputs: &mut Inputs) -> Seen<CutOff> {
    if let Some(why) = &inputs.story.broken {
        return Err(why.clone());
    }
    let told = |error: sqlx::Error| format!("holding up the worker: {}", innermost(&error));
    let person = sign_in(running, inputs, "iris").await?;
    let photo = marked(running, "killed")?;
    // Nobody can write the row of an output meanwhile: whoever has painted one waits, with all that it has in its memory.
    let mut database = running.database().await?;
    let mut held_up = database.begin().await.map_err(told)?;
    sqlx::query("LOCK TABLE images IN SHARE MODE").execute(&mut *held_up).await.map_err(told)?;
    let sent = person.upload_named("killed", &photo.name, &photo.bytes, "duotone", Some(super::TTL)).await;
    inputs.story.keep(sent);
    let job = inputs.story.need("killed", "/id")?;
    let waits = poll::until(PAINTED_WITHIN, || async {
        match writers_that_wait(running).await {
            Ok(0) => Attempt::NotYet("nobody waits to write the row of an output".into()),
            Ok(_) => Attempt::Ready(()),
            Err(why) => Attempt::NotYet(why),
        }
    });
    waits.await.map_err(|not| format!("the worker did not come to write its row: {not}"))?;
    worker::dead(running, End::Aborted, async { held_up.rollback().await.map_err(told) }).await?;
    Ok(CutOff { person, job, photo })
}

async fn writers_that_wait(running: &RunningStack) -> Seen<i64> {
    let told = |error: sqlx::Error| innermost(&error);
    let query = "SELECT count(*) AS waiting FROM pg_stat_activity \
                 WHERE wait_event_type = 'Lock' AND query ILIKE 'insert into images%'";
    let row = sqlx::query(query).fetch_one(&mut running.database().await?).await.map_err(told)?;
    row.try_get("waiting").map_err(told)
}

async fn restart(running: &RunningStack, inputs: &mut Inputs, person: &Person) -> Seen<CutOff> {
    let stack = running.stack();
    let redis = keyspace::service(running)?;
    let photo = marked(running, "restarted")?;
    let meanwhile = async {
        let sent = person.upload_named("restarted", &photo.name, &photo.bytes, "duotone", Some(super::TTL));
        inputs.story.keep(sent.await);
        for instance in instances_of(stack, &redis) {
            started::anew(running, &instance).await?;
        }
        Ok(())
    };
    // Dead, not frozen: one that is frozen would already have been told of the job.
    worker::dead(running, End::Killed, meanwhile).await?;
    let needs_redis = dependencies::services(stack).into_iter().find(|dependency| dependency.name == redis);
    for witness in needs_redis.iter().flat_map(|dependency| dependency.instances(stack)) {
        started::answers(running, &witness, "/ready", BACK_WITHIN).await?;
    }
    let job = inputs.story.need("restarted", "/id")?;
    Ok(CutOff { person: person.clone(), job, photo })
}
