//! Objects without rows. Without a row nobody knows how long they may live, so they may not.

use std::future::Future;

use futures::StreamExt;
use image_store::ImageStore;
use service::{Shutdown, postgres};
use sqlx::PgPool;
use uuid::Uuid;

use super::suspects::Suspects;
use crate::metrics::WorkerMetrics;

/// Objects that are looked up at once. The listing streams, so memory does not grow with it.
const BATCH: usize = 256;

/// Which images have rows.
pub(super) trait Rows: Sync {
    /// Those of the given ones that do, expired or not.
    fn existing(&self, ids: &[Uuid]) -> impl Future<Output = Result<Vec<Uuid>, String>> + Send;
}

impl Rows for PgPool {
    async fn existing(&self, ids: &[Uuid]) -> Result<Vec<Uuid>, String> {
        jobs::existing(self, ids).await.map_err(|error| postgres::reason(&error))
    }
}

/// Removes objects whose row never came (a crash in between) or went with its user, once they have been without one for
/// longer than any job may take that is still about to write it.
pub(super) async fn remove(
    rows: &impl Rows,
    store: &dyn ImageStore,
    suspects: &mut Suspects,
    metrics: &WorkerMetrics,
    shutdown: &Shutdown,
) -> Result<(), String> {
    let mut batches = store.list().chunks(BATCH);
    while let Some(batch) = batches.next().await {
        if shutdown.is_requested() {
            return Ok(());
        }
        let batch: Result<Vec<Uuid>, _> =
            batch.into_iter().map(|object| object.map(|object| object.id)).collect();
        let batch = batch.map_err(|error| error.to_string())?;
        let known = rows.existing(&batch).await?;
        for orphan in batch.into_iter().filter(|id| !known.contains(id)) {
            if suspects.suspect(orphan) {
                // Another worker that came to the same may have been first.
                if store.delete(orphan).await.map_err(|error| error.to_string())? {
                    metrics.orphans.inc();
                    tracing::warn!(image_id = %orphan, "removed an object without a row");
                }
                suspects.settled(orphan);
            }
        }
    }
    suspects.end_round();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use image_store::Memory;
    use service::Metrics;

    use super::*;

    const AGE: Duration = Duration::from_secs(25);

    struct Table(Vec<Uuid>);

    impl Rows for Table {
        async fn existing(&self, ids: &[Uuid]) -> Result<Vec<Uuid>, String> {
            Ok(ids.iter().copied().filter(|id| self.0.contains(id)).collect())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn orphan_goes_after_its_time_and_what_has_a_row_stays() {
        let store = Memory::new();
        let ids: Vec<Uuid> = (0..2 * BATCH + 7).map(|_| Uuid::new_v4()).collect();
        for id in &ids {
            store.put(*id, Bytes::from_static(b"image").into()).await.unwrap();
        }
        let mut table = Table(ids[..BATCH].to_vec());
        let (mut suspects, metrics) = (Suspects::new(AGE), WorkerMetrics::register(&Metrics::new()));
        let shutdown = Shutdown::manual();

        remove(&table, &store, &mut suspects, &metrics, &shutdown).await.unwrap();
        tokio::time::advance(AGE / 2).await;
        remove(&table, &store, &mut suspects, &metrics, &shutdown).await.unwrap();
        assert_eq!(store.list().count().await, ids.len(), "a job may still be about to write the row");

        // The row of one comes late.
        table.0.push(ids[BATCH]);
        tokio::time::advance(AGE).await;
        remove(&table, &store, &mut suspects, &metrics, &shutdown).await.unwrap();
        assert_eq!(store.list().count().await, table.0.len());
        assert_eq!(metrics.orphans.get(), (ids.len() - table.0.len()) as u64);
    }
}
