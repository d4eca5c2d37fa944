//! The sweeper: removes every output whose time is over, by the database's clock.
//!
//! The objects of a batch go first, then its rows: whatever fails or crashes in between, the rows are still there and the
//! next sweep does the rest. One worker sweeps at a time. What cannot be removed is passed over, so that it holds nothing
//! else up.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use image_store::{ImageStore, StoreError};
use jobs::Place;
use service::{Shutdown, postgres};
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use crate::Worker;
use crate::metrics::WorkerMetrics;
use crate::outage::{Outage, stopped_during};

/// Rows of one batch: bounds memory, whatever the backlog.
const BATCH: u32 = 256;
/// Objects removed at the same time. As many that fail in a row are taken for a store that is away.
const AT_ONCE: usize = 8;
/// A sweep hands the lock back after this long, so that no dead connection holds it over a long backlog.
const LONGEST: Duration = Duration::from_secs(20);
/// The advisory lock of sweeping: any number that nothing else in this database uses.
const LOCK: i64 = 0x5357_4545_5045_5200;

/// A burst of outputs that expire one after the other is swept together.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// Sweeps at every interval, and earlier where an output expires earlier or a backlog is left, until `shutdown` is
/// requested.
pub(crate) async fn run(worker: Arc<Worker>, shutdown: Shutdown) {
    let mut outage = Outage::of("sweeping");
    let interval = worker.config.sweep_interval;
    loop {
        let pause = match sweep(&worker, &shutdown).await {
            Ok(left) => {
                match &left.failure {
                    None => outage.works(),
                    Some(why) => outage.failed(why),
                }
                left.pause(interval)
            }
            Err(why) => {
                outage.failed(&why);
                interval
            }
        };
        if stopped_during(pause, &shutdown).await {
            return;
        }
    }
}

/// What a sweep left.
#[derive(Clone, Debug, Default, PartialEq)]
struct Left {
    /// Time was up before the backlog was.
    backlog: bool,
    /// Why something could not be removed.
    failure: Option<String>,
    /// Seconds until the next output expires. None: none lives.
    next: Option<f64>,
}

impl Left {
    /// Until the next sweep. What could not be removed hurries nobody.
    fn pause(&self, interval: Duration) -> Duration {
        let shortest = SHORTEST_PAUSE.min(interval);
        match self.next {
            _ if self.backlog => shortest,
            Some(next) => Duration::try_from_secs_f64(next).unwrap_or(interval).clamp(shortest, interval),
            None => interval,
        }
    }
}

/// Removes what is overdue, unless another worker is at it.
async fn sweep(worker: &Worker, shutdown: &Shutdown) -> Result<Left, String> {
    let explain = |error: sqlx::Error| postgres::reason(&error);
    // The lock goes with its transaction: a worker that dies gives it back.
    let mut lock = worker.pool.begin().await.map_err(explain)?;
    let ours: bool = sqlx::query_scalar("select pg_try_advisory_xact_lock($1)")
        .bind(LOCK)
        .fetch_one(&mut *lock)
        .await
        .map_err(explain)?;
    let mut left = Ok(Left::default());
    if ours {
        let began = Instant::now();
        let over = || began.elapsed() >= LONGEST || shutdown.is_requested();
        left = backlog(&worker.pool, &*worker.store, &worker.metrics, &over).await;
        worker.metrics.sweep_seconds.inc_by(began.elapsed().as_secs_f64());
    }
    lock.rollback().await.map_err(explain)?;
    // Told whether sweeping works or not: that is when it matters.
    let ends = jobs::ends(&worker.pool).await.map_err(explain)?;
    worker.metrics.oldest_overdue.set(ends.overdue.unwrap_or_default());
    let left = left?;
    // What ended while the rest was swept.
    let late = ours && left.failure.is_none() && ends.overdue.is_some();
    Ok(Left { backlog: left.backlog || late, next: ends.next, ..left })
}

/// The rows of outputs, as far as the sweeper needs them.
trait Rows: Sync {
    /// Expired outputs after a place, the longest overdue first.
    fn expired(&self, after: Place, limit: u32) -> impl Future<Output = Result<Vec<Place>, String>> + Send;
    /// Removes the rows of outputs that are no more.
    fn remove(&self, ids: &[Uuid]) -> impl Future<Output = Result<u64, String>> + Send;
}

impl Rows for PgPool {
    async fn expired(&self, after: Place, limit: u32) -> Result<Vec<Place>, String> {
        jobs::expired(self, after, limit).await.map_err(|error| postgres::reason(&error))
    }

    async fn remove(&self, ids: &[Uuid]) -> Result<u64, String> {
        jobs::remove_all(self, ids).await.map_err(|error| postgres::reason(&error))
    }
}

/// Removes batch after batch until nothing is overdue, it is `over`, or the store is away. An error is that of the rows.
async fn backlog(
    rows: &impl Rows,
    store: &dyn ImageStore,
    metrics: &WorkerMetrics,
    over: &(dyn Fn() -> bool + Send + Sync),
) -> Result<Left, String> {
    let mut after = Place::BEFORE_ALL;
    let mut left = Left::default();
    loop {
        let batch = rows.expired(after, BATCH).await?;
        let outcome = remove_objects(store, &batch, over).await;
        metrics.sweep_failures.inc_by(outcome.failed);
        if !outcome.removed.is_empty() {
            rows.remove(&outcome.removed).await?;
            let removed = outcome.removed.len();
            metrics.swept.inc_by(removed as u64);
            tracing::info!(removed, "expired outputs swept");
        }
        if outcome.away.is_some() {
            return Ok(Left { failure: outcome.away, ..left });
        }
        left.failure = outcome.failure.or(left.failure.take());
        let ended = batch.len() < BATCH as usize;
        if ended || over() {
            return Ok(Left { backlog: !ended, ..left });
        }
        after = batch.last().copied().unwrap_or(after);
    }
}

/// What became of the objects of a batch.
#[derive(Default)]
struct Outcome {
    /// Their objects are no more.
    removed: Vec<Uuid>,
    failed: u64,
    failure: Option<String>,
    /// Why the store as a whole does not work; then the rest was not tried.
    away: Option<String>,
}

async fn remove_objects(
    store: &dyn ImageStore,
    batch: &[Place],
    over: &(dyn Fn() -> bool + Send + Sync),
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut in_a_row = 0;
    let ids: Vec<Uuid> = batch.iter().map(|place| place.id).collect();
    let mut removing = stream::iter(ids).map(|id| remove_object(store, id, over)).buffer_unordered(AT_ONCE);
    while let Some(tried) = removing.next().await {
        // What was not begun when it was over waits for the next sweep.
        let Some((id, deleted)) = tried else { continue };
        match deleted {
            // `false` is fine: a crash before the row went in an earlier sweep, or a user who deleted it.
            Ok(_) => {
                outcome.removed.push(id);
                in_a_row = 0;
            }
            Err(error) => {
                outcome.failed += 1;
                outcome.failure = Some(error.to_string());
                in_a_row += 1;
            }
        }
        if in_a_row == AT_ONCE {
            in_a_row = 0;
            if let Err(error) = store.check().await {
                outcome.away = Some(error.to_string());
                break;
            }
        }
    }
    outcome
}

/// Removes one object and says how that ended; none where it was not tried, because it is over.
async fn remove_object(
    store: &dyn ImageStore,
    id: Uuid,
    over: &(dyn Fn() -> bool + Send + Sync),
) -> Option<(Uuid, Result<bool, StoreError>)> {
    if over() { None } else { Some((id, store.delete(id).await)) }
}

#[cfg(test)]
mod tests;
