//! Puts right what a crash or a lost queue left apart: rows without work, objects without rows, rows without objects,
//! half-written files.

mod missing;
mod orphans;
mod suspects;

use std::sync::Arc;
use std::time::Duration;

use service::{Shutdown, postgres};

use crate::Worker;
use crate::job::LOST;
use crate::outage::{Outage, stopped_during};
use suspects::Suspects;

const EVERY: Duration = Duration::from_secs(15);
/// A write takes far less; what is older was left by a crash.
const LEFTOVER_AGE: Duration = Duration::from_mins(1);

/// Reconciles from time to time until `shutdown` is requested.
pub(crate) async fn run(worker: Arc<Worker>, shutdown: Shutdown) {
    let mut rows = Outage::of("failing lost jobs");
    let mut objects = Outage::of("removing orphans");
    let mut outputs = Outage::of("looking for missing objects");
    let mut files = Outage::of("cleaning leftovers");
    let mut counts = Outage::of("counting outputs");
    let mut orphans = Suspects::new(worker.config.visibility_timeout());
    let mut round = missing::Round::new();
    let (pool, store, metrics) = (&worker.pool, &*worker.store, &worker.metrics);
    loop {
        settle(&mut rows, fail_abandoned(&worker).await);
        settle(&mut objects, orphans::remove(pool, store, &mut orphans, metrics, &shutdown).await);
        settle(&mut outputs, round.look(pool, store, metrics, &shutdown).await);
        settle(&mut files, clean_leftovers(&worker).await);
        settle(&mut counts, count(&worker).await);
        if let Ok(depth) = worker.consumer.depth().await {
            metrics.queue_depth.set(i64::try_from(depth).unwrap_or(i64::MAX));
        }
        if stopped_during(EVERY, &shutdown).await {
            return;
        }
    }
}

fn settle(outage: &mut Outage, result: Result<(), String>) {
    match result {
        Ok(()) => outage.works(),
        Err(why) => outage.failed(&why),
    }
}

/// Jobs that did not move for longer than any job may wait. Those that Redis lost have ended by `lost` long before, unless
/// Redis is away for good.
async fn fail_abandoned(worker: &Worker) -> Result<(), String> {
    let failed = jobs::fail_abandoned(&worker.pool, worker.config.abandoned_after(), LOST)
        .await
        .map_err(|error| postgres::reason(&error))?;
    if failed > 0 {
        worker.metrics.abandoned.inc_by(failed);
        tracing::warn!(jobs = failed, "failed jobs that the queue had lost");
    }
    Ok(())
}

async fn clean_leftovers(worker: &Worker) -> Result<(), String> {
    let removed = worker.store.clean_leftovers(LEFTOVER_AGE).await.map_err(|error| error.to_string())?;
    if removed > 0 {
        tracing::warn!(files = removed, "removed half-written files");
    }
    Ok(())
}

async fn count(worker: &Worker) -> Result<(), String> {
    let counts = jobs::count(&worker.pool).await.map_err(|error| postgres::reason(&error))?;
    worker.metrics.outputs_live.set(counts.living);
    worker.metrics.outputs_expired.set(counts.expired);
    Ok(())
}
