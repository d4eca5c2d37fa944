//! Jobs whose photo is no longer in Redis: nobody can do them any more, and whoever waits for one is told soon.
//!
//! A worker finds out by itself where the queue still has the job. After a Redis that was started anew it has none.

use std::sync::Arc;
use std::time::Duration;

use service::{Shutdown, postgres, redis};

use crate::Worker;
use crate::job::LOST;
use crate::outage::{Outage, stopped_during};

/// A person waits meanwhile, and a look costs little.
const EVERY: Duration = Duration::from_secs(5);
/// The api writes a job's row before it puts the photo into Redis; that takes far less.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(10);
/// Jobs that are looked up at once.
const BATCH: u32 = 256;

/// Looks for lost jobs from time to time until `shutdown` is requested.
pub(crate) async fn run(worker: Arc<Worker>, shutdown: Shutdown) {
    let mut outage = Outage::of("looking for lost photos");
    while !stopped_during(EVERY, &shutdown).await {
        match fail_lost(&worker).await {
            Ok(()) => outage.works(),
            Err(why) => outage.failed(&why),
        }
    }
}

async fn fail_lost(worker: &Worker) -> Result<(), String> {
    let explain = |error: sqlx::Error| postgres::reason(&error);
    let silent_for = worker.config.visibility_timeout();
    let mut after = None;
    loop {
        let waiting = jobs::waiting(&worker.pool, PUBLISHED_WITHIN, silent_for, after, BATCH).await;
        let waiting = waiting.map_err(explain)?;
        let Some(newest) = waiting.last().copied() else { return Ok(()) };
        let lost = worker.consumer.without_input(&waiting).await.map_err(|error| redis::reason(&error))?;
        for job_id in lost {
            // Not where it has ended meanwhile, which takes its photo out of Redis, too.
            if jobs::fail(&worker.pool, job_id, LOST).await.map_err(explain)? {
                worker.metrics.abandoned.inc();
                tracing::warn!(%job_id, "failed a job whose input is no longer in Redis");
            }
        }
        after = Some(newest);
    }
}
