//! Puts right what a crash or a lost queue left apart: rows without work, objects without rows, half-written files.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use image_store::ImageInfo;
use service::{Shutdown, postgres};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Worker;
use crate::outage::{Outage, stopped_during};

const EVERY: Duration = Duration::from_secs(15);
/// Objects that are looked up at once.
const BATCH: usize = 256;
/// A write takes far less; what is older was left by a crash.
const LEFTOVER_AGE: Duration = Duration::from_mins(1);

const ABANDONED: &str = "The upload was lost before it could be processed. Please upload the picture again.";

/// Reconciles from time to time until `shutdown` is requested.
pub(crate) async fn run(worker: Arc<Worker>, shutdown: Shutdown) {
    let mut rows = Outage::of("failing lost jobs");
    let mut objects = Outage::of("removing orphans");
    let mut files = Outage::of("cleaning leftovers");
    loop {
        settle(&mut rows, fail_abandoned(&worker).await);
        settle(&mut objects, remove_orphans(&worker).await);
        settle(&mut files, clean_leftovers(&worker).await);
        if let Ok(depth) = worker.consumer.depth().await {
            worker.metrics.queue_depth.set(i64::try_from(depth).unwrap_or(i64::MAX));
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

/// Jobs that nobody will ever take, since Redis lost them.
async fn fail_abandoned(worker: &Worker) -> Result<(), String> {
    let failed = jobs::fail_abandoned(&worker.pool, worker.config.abandoned_after(), ABANDONED)
        .await
        .map_err(|error| postgres::reason(&error))?;
    if failed > 0 {
        worker.metrics.abandoned.inc_by(failed);
        tracing::warn!(jobs = failed, "failed jobs that the queue had lost");
    }
    Ok(())
}

/// Objects whose row never came (a crash in between) or went with its user. Without a row nobody knows how long they
/// may live, so they may not.
async fn remove_orphans(worker: &Worker) -> Result<(), String> {
    let mut objects = worker.store.list();
    let mut batch: Vec<Uuid> = Vec::with_capacity(BATCH);
    let mut ended = false;
    while !ended {
        match objects.next().await {
            Some(object) => {
                let object = object.map_err(|error| error.to_string())?;
                batch.extend(is_settled(&object, worker.config.visibility_timeout()).then_some(object.id));
            }
            None => ended = true,
        }
        if batch.len() == BATCH || (ended && !batch.is_empty()) {
            let known =
                jobs::existing(&worker.pool, &batch).await.map_err(|error| postgres::reason(&error))?;
            for orphan in batch.drain(..).filter(|id| !known.contains(id)) {
                worker.store.delete(orphan).await.map_err(|error| error.to_string())?;
                worker.metrics.orphans.inc();
                tracing::warn!(image_id = %orphan, "removed an object without a row");
            }
        }
    }
    Ok(())
}

/// Older than any job that might still be about to write its row.
fn is_settled(object: &ImageInfo, age: Duration) -> bool {
    OffsetDateTime::now_utc() - object.created_at > age
}

async fn clean_leftovers(worker: &Worker) -> Result<(), String> {
    let removed = worker.store.clean_leftovers(LEFTOVER_AGE).await.map_err(|error| error.to_string())?;
    if removed > 0 {
        tracing::warn!(files = removed, "removed half-written files");
    }
    Ok(())
}
