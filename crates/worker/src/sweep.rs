//! The sweeper: removes every output whose time is over, by the database's clock.
//!
//! The object goes first, then its row: whatever fails or crashes in between, the row is still there and the next sweep
//! does the rest. One worker sweeps at a time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use image_store::ImageStore;
use service::{Shutdown, postgres};
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use crate::Worker;
use crate::metrics::WorkerMetrics;
use crate::outage::{Outage, stopped_during};

/// Rows of one batch: bounds memory, whatever the backlog.
const BATCH: u32 = 256;
/// Outputs removed at the same time.
const AT_ONCE: usize = 8;
/// A sweep hands the lock back after this long, so that no dead connection holds it over a long backlog.
const LONGEST: Duration = Duration::from_secs(20);
/// The advisory lock of sweeping: any number that nothing else in this database uses.
const LOCK: i64 = 0x5357_4545_5045_5200;

/// A burst of outputs that expire one after the other is swept together.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// Sweeps at every interval, and earlier where an output expires earlier, until `shutdown` is requested.
pub(crate) async fn run(worker: Arc<Worker>, shutdown: Shutdown) {
    let mut outage = Outage::of("sweeping");
    let interval = worker.config.sweep_interval;
    loop {
        let pause = match sweep(&worker).await {
            Ok(overdue) => {
                outage.works();
                pause_until_due(overdue, interval)
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

/// `overdue` is negative while the next output still has time left, in seconds; none where there is no output.
fn pause_until_due(overdue: Option<f64>, interval: Duration) -> Duration {
    match overdue {
        // What is overdue after a sweep is another worker's, or there was too much for one sweep.
        Some(overdue) if overdue < 0.0 => Duration::try_from_secs_f64(-overdue)
            .unwrap_or(interval)
            .clamp(SHORTEST_PAUSE.min(interval), interval),
        _ => interval,
    }
}

/// Removes what is overdue, and says for how many seconds the oldest output then left has been.
async fn sweep(worker: &Worker) -> Result<Option<f64>, String> {
    let explain = |error: sqlx::Error| postgres::reason(&error);
    // The lock goes with its transaction: a worker that dies gives it back.
    let mut lock = worker.pool.begin().await.map_err(explain)?;
    let ours: bool = sqlx::query_scalar("select pg_try_advisory_xact_lock($1)")
        .bind(LOCK)
        .fetch_one(&mut *lock)
        .await
        .map_err(explain)?;
    if ours {
        let until = Instant::now() + LONGEST;
        let swept = backlog(&worker.pool, &*worker.store, &worker.metrics, until).await;
        lock.rollback().await.map_err(explain)?;
        swept?;
    }
    let overdue: Option<f64> =
        sqlx::query_scalar("select extract(epoch from now() - min(expires_at))::float8 from images")
            .fetch_one(&worker.pool)
            .await
            .map_err(explain)?;
    worker.metrics.oldest_overdue.set(overdue.unwrap_or_default().max(0.0));
    Ok(overdue)
}

/// The rows of outputs, as far as the sweeper needs them.
trait Rows: Sync {
    /// Ids of expired outputs, the longest overdue first.
    fn expired(&self, limit: u32) -> impl Future<Output = Result<Vec<Uuid>, String>> + Send;
    /// Removes the row of an output that is no more.
    fn remove(&self, id: Uuid) -> impl Future<Output = Result<bool, String>> + Send;
}

impl Rows for PgPool {
    async fn expired(&self, limit: u32) -> Result<Vec<Uuid>, String> {
        jobs::expired(self, limit).await.map_err(|error| postgres::reason(&error))
    }

    async fn remove(&self, id: Uuid) -> Result<bool, String> {
        jobs::remove(self, id).await.map_err(|error| postgres::reason(&error))
    }
}

/// Removes batch after batch until nothing is overdue, nothing can be removed, or time is up.
async fn backlog(
    rows: &impl Rows,
    store: &dyn ImageStore,
    metrics: &WorkerMetrics,
    until: Instant,
) -> Result<(), String> {
    loop {
        let ids = rows.expired(BATCH).await?;
        let all = ids.len();
        let mut failure = None;
        let mut removed = 0_u64;
        let mut removing = stream::iter(ids).map(|id| remove(rows, store, id)).buffer_unordered(AT_ONCE);
        while let Some(outcome) = removing.next().await {
            match outcome {
                Ok(()) => removed += 1,
                Err(why) => failure = Some(why),
            }
        }
        metrics.swept.inc_by(removed);
        metrics.sweep_failures.inc_by(all as u64 - removed);
        if removed > 0 {
            tracing::info!(removed, "expired outputs swept");
        }
        // The same ones would fail again at once: the next sweep is early enough.
        if let Some(why) = failure {
            return Err(why);
        }
        if all < BATCH as usize || Instant::now() >= until {
            return Ok(());
        }
    }
}

async fn remove(rows: &impl Rows, store: &dyn ImageStore, id: Uuid) -> Result<(), String> {
    // `false` is fine: a crash after this line in an earlier sweep, or a user who deleted it.
    store.delete(id).await.map_err(|error| error.to_string())?;
    rows.remove(id).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use image_store::Memory;
    use service::Metrics;
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    /// Rows in memory, all expired.
    #[derive(Default)]
    struct Table(Mutex<BTreeSet<Uuid>>, Option<&'static str>);

    impl Rows for Table {
        async fn expired(&self, limit: u32) -> Result<Vec<Uuid>, String> {
            Ok(self.0.lock().unwrap().iter().copied().take(limit as usize).collect())
        }

        async fn remove(&self, id: Uuid) -> Result<bool, String> {
            match self.1 {
                Some(why) => Err(why.to_owned()),
                None => Ok(self.0.lock().unwrap().remove(&id)),
            }
        }
    }

    async fn filled(count: usize) -> (Table, Memory) {
        let (table, store) = (Table::default(), Memory::new());
        for _ in 0..count {
            let id = Uuid::new_v4();
            table.0.lock().unwrap().insert(id);
            store.put(id, Bytes::from_static(b"image").into()).await.unwrap();
        }
        (table, store)
    }

    async fn sweep_once(table: &Table, store: &Memory) -> Result<(), String> {
        let metrics = WorkerMetrics::register(&Metrics::new());
        backlog(table, store, &metrics, Instant::now() + LONGEST).await
    }

    #[test]
    fn next_sweep_comes_when_the_next_output_expires_and_never_later_than_the_interval() {
        let interval = Duration::from_secs(2);
        assert_eq!(pause_until_due(None, interval), interval);
        assert_eq!(pause_until_due(Some(-3600.0), interval), interval);
        assert_eq!(pause_until_due(Some(-1.5), interval), Duration::from_millis(1500));
        assert_eq!(pause_until_due(Some(-0.001), interval), SHORTEST_PAUSE);
        assert_eq!(pause_until_due(Some(9.0), interval), interval);
    }

    #[tokio::test]
    async fn backlog_larger_than_a_batch_is_gone_after_one_sweep() {
        let (table, store) = filled(3 * BATCH as usize + 7).await;
        sweep_once(&table, &store).await.unwrap();
        assert!(table.0.lock().unwrap().is_empty());
        assert_eq!(store.list().count().await, 0);
    }

    #[tokio::test]
    async fn rows_stay_while_the_store_is_away_and_go_when_it_is_back() {
        let (table, store) = filled(5).await;
        store.set_away(true);
        assert_eq!(sweep_once(&table, &store).await.unwrap_err(), "image store is away");
        assert_eq!(table.0.lock().unwrap().len(), 5);
        store.set_away(false);
        sweep_once(&table, &store).await.unwrap();
        assert!(table.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn crash_between_object_and_row_is_finished_by_the_next_sweep() {
        let (mut table, store) = filled(5).await;
        table.1 = Some("connection refused");
        sweep_once(&table, &store).await.unwrap_err();
        assert_eq!(store.list().count().await, 0, "objects go first");
        assert_eq!(table.0.lock().unwrap().len(), 5);
        table.1 = None;
        sweep_once(&table, &store).await.unwrap();
        assert!(table.0.lock().unwrap().is_empty());
    }
}
