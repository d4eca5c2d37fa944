//! A job's output is made once: whatever comes twice, and whoever dies in the middle.

use std::{cell::Cell, collections::BTreeSet, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::time::sleep;

use super::{outputs, queue, rows, sign_in, upload};
use crate::{
    observation::{Data, GivenUp, JobEnd, Killed, Repeated, Seen},
    poll::{self, Attempt},
    probe::{
        keyspace,
        person::Person,
        worker::{self, WORKER},
    },
    runner::End,
    running::RunningStack,
};

/// Copies of a message that come before its job has ended.
const COPIES: usize = 2;
/// Jobs that are there while workers are killed.
const JOBS: usize = 5;
/// How often workers are killed at moments that are drawn, after a kill that is sure to meet a job.
const KILLS: usize = 3;
/// From when the workers answer again to the next kill, at the most: a job takes about a third of it.
const LATEST_MS: u64 = 700;
/// Between looks for a job that is under way, of which each takes several times as long.
const LOOKS_EVERY: Duration = Duration::from_millis(20);
/// Where nothing stands in the way, messages are dealt with in this.
const DEALT_WITH_WITHIN: Duration = Duration::from_secs(20);
/// What is left of a job whose worker died is another's after the most that a job may take and 5 s, as the definition says;
/// and is looked for, and done, within this.
const ENDED_WITHIN: Duration = Duration::from_secs(20);

/// By itself, because the workers are away for moments. What dead workers left comes to its end later: see [`settle`].
pub(super) async fn observe(running: &RunningStack, data: &mut Data) {
    let olaf = match sign_in(running, "olaf").await {
        Ok(olaf) => olaf,
        Err(why) => {
            data.repeated = Some(Err(why.clone()));
            data.given_up = Some(Err(why.clone()));
            data.killed = Some(Err(why));
            return;
        }
    };
    data.repeated = Some(repeated(running, &olaf).await);
    data.given_up = Some(given_up(running, &olaf).await);
    data.killed = Some(killed(running, &olaf).await);
}

async fn repeated(running: &RunningStack, olaf: &Person) -> Seen<Repeated> {
    let orphans_before = orphans(running).await?;
    let sent = async {
        let job = upload(olaf, super::TTL).await?;
        let mut redis = keyspace::connect(running).await?;
        let message = queue::entries_of(&mut redis, &job).await?.pop();
        let message = message.ok_or("the queue has no message of the job")?;
        for _ in 0..COPIES {
            queue::repeat(&mut redis, &message).await?;
        }
        Ok((job, message))
    };
    let (job, message) = worker::frozen(running, sent).await?;
    dealt_with(running, &job).await?;
    let before = end_of(running, &job).await?;
    let mut redis = keyspace::connect(running).await?;
    queue::repeat(&mut redis, &message).await?;
    let left = dealt_with(running, &job).await?;
    let after = end_of(running, &job).await?;
    let mut orphans = orphans(running).await?;
    orphans.retain(|id| !orphans_before.contains(id));
    Ok(Repeated { copies: (COPIES, 1), before, after, left, orphans })
}

/// A job that kills its workers, as a picture may that nobody thought of: it was begun as often as the definition allows.
async fn given_up(running: &RunningStack, olaf: &Person) -> Seen<GivenUp> {
    let told_attempts = running.service(WORKER)?.environment.get("JOB_ATTEMPTS");
    let begun = told_attempts.and_then(|text| text.parse().ok()).ok_or("worker has no JOB_ATTEMPTS")?;
    let prepared = async {
        let job = upload(olaf, super::TTL).await?;
        let mut redis = keyspace::connect(running).await?;
        let message = queue::entries_of(&mut redis, &job).await?.pop();
        queue::left_lying(&mut redis, &message.ok_or("the queue has no message of the job")?, begun).await?;
        Ok(job)
    };
    let job = worker::dead(running, End::Killed, prepared).await?;
    let left = dealt_with(running, &job).await?;
    Ok(GivenUp { begun, end: end_of(running, &job).await?, left })
}

async fn killed(running: &RunningStack, olaf: &Person) -> Seen<Killed> {
    let seed = running.stack().options.seed.unwrap_or_else(rand::random);
    let mut chance = StdRng::seed_from_u64(seed);
    let moments: Vec<Duration> =
        (0..KILLS).map(|_| Duration::from_millis(chance.random_range(0..LATEST_MS))).collect();
    let uploading = futures::future::try_join_all((0..JOBS).map(|_| upload(olaf, super::TTL)));
    // Of what others left lying when they died, some may still be said to be under way.
    let mut known = rows::jobs_under_way(running).await?;
    let killing = async {
        begun(running, &known).await;
        let mut met = vec![kill(running, &mut known).await?];
        for moment in &moments {
            // The one moment that is asked for: there is no condition to wait for.
            sleep(*moment).await;
            met.push(kill(running, &mut known).await?);
        }
        Ok::<_, String>(met)
    };
    let (jobs, met) = tokio::join!(uploading, killing);
    let met = met?;
    let jobs = jobs?.into_iter().map(|job| JobEnd { job, ..JobEnd::default() });
    Ok(Killed { seed, moments, met, jobs: jobs.collect() })
}

/// Waits until a job is under way that nobody knows of yet, or for long enough. Whether one was, the kill tells.
async fn begun(running: &RunningStack, known: &BTreeSet<String>) {
    let begun = poll::until_every(LOOKS_EVERY, DEALT_WITH_WITHIN, || async {
        match rows::jobs_under_way(running).await {
            Ok(jobs) if jobs.is_subset(known) => Attempt::NotYet("no job is under way".into()),
            Ok(_) => Attempt::Ready(()),
            Err(why) => Attempt::NotYet(why),
        }
    });
    drop(begun.await);
}

/// Kills every worker, and tells how many jobs that met which nobody knew of yet: what is said to be under way while all who
/// take jobs are dead was cut off.
async fn kill(running: &RunningStack, known: &mut BTreeSet<String>) -> Seen<usize> {
    let cut_off = worker::dead(running, End::Killed, rows::jobs_under_way(running)).await?;
    let met = cut_off.difference(known).count();
    known.extend(cut_off);
    Ok(met)
}

/// Waits until what dead workers left has come to its end, and looks at that.
pub(super) async fn settle(running: &RunningStack, data: &mut Data) {
    if let Some(killed) = &mut data.killed {
        let settled = match killed.as_mut() {
            Ok(killed) => settled(running, killed).await,
            Err(_) => return,
        };
        if let Err(why) = settled {
            *killed = Err(why);
        }
    }
}

async fn settled(running: &RunningStack, killed: &mut Killed) -> Seen<()> {
    let within = super::visibility_timeout(running)? + ENDED_WITHIN;
    let ended = poll::until_every(Duration::from_millis(500), within, || async {
        let mut database = match running.database().await {
            Ok(database) => database,
            Err(why) => return Attempt::NotYet(why),
        };
        for end in &killed.jobs {
            match rows::job(&mut database, &end.job).await {
                Ok(end) if end.state == "done" || end.state == "failed" => {}
                Ok(end) => return Attempt::NotYet(format!("job {} is {}", end.job, end.state)),
                Err(why) => return Attempt::NotYet(why),
            }
        }
        Attempt::Ready(())
    });
    // How each ended is for the check to say.
    drop(ended.await);
    for end in &mut killed.jobs {
        *end = end_of(running, &end.job).await?;
    }
    Ok(())
}

/// Waits until no message of the job is in the queue, and tells how many are.
async fn dealt_with(running: &RunningStack, job: &str) -> Seen<usize> {
    let redis = keyspace::connect(running).await?;
    let left = Cell::new(None);
    let none_left = poll::until(DEALT_WITH_WITHIN, || async {
        match queue::entries_of(&mut redis.clone(), job).await {
            Ok(entries) => {
                left.set(Some(entries.len()));
                match entries.len() {
                    0 => Attempt::Ready(()),
                    some => Attempt::NotYet(format!("{some} messages of job {job} are in the queue")),
                }
            }
            Err(why) => Attempt::Never(why),
        }
    });
    match none_left.await {
        Ok(()) => Ok(0),
        Err(not) if not.hopeless => Err(not.last_seen),
        // That some are left is for the check to judge.
        Err(not) => left.get().ok_or_else(|| not.to_string()),
    }
}

async fn end_of(running: &RunningStack, job: &str) -> Seen<JobEnd> {
    let mut database = running.database().await?;
    let end = rows::job(&mut database, job).await?;
    let objects = outputs(running).await?;
    let with = end.rows.iter().filter(|id| objects.iter().any(|object| object.is_of(id))).count();
    Ok(JobEnd { objects: with, ..end })
}

async fn orphans(running: &RunningStack) -> Seen<Vec<String>> {
    let objects = outputs(running).await?;
    let rows = rows::outputs(running).await?;
    Ok(objects.into_iter().map(|object| object.name).filter(|name| !rows.contains_key(name)).collect())
}
