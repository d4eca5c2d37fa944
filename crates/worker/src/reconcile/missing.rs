//! Rows without objects: outputs whose object somebody else removed, or a disk lost.
//!
//! The row of one is removed, so that nobody is offered what is not there. A store that was exchanged or mounted empty
//! looks the same for every row, and must not cost one: a row goes only where the store has the object of an older
//! output, and so has been the same store since before. In a store that has none, or only newer ones, nothing is touched;
//! the metric `objects_missing` and a warning say so, and what is missing ends with its time.

use std::future::Future;

use futures::{StreamExt, TryStreamExt, stream};
use image_store::ImageStore;
use jobs::Place;
use service::{Shutdown, postgres};
use sqlx::PgPool;
use uuid::Uuid;

use super::suspects::Suspects;
use crate::metrics::WorkerMetrics;

/// Rows of one look. A round over more takes several looks: the store is asked for each object.
const LOOK: u32 = 2048;
/// Objects asked for at the same time.
const AT_ONCE: usize = 8;

/// The rows of living outputs.
pub(super) trait Rows: Sync {
    /// Those after a place, the oldest first.
    fn living(&self, after: Place, limit: u32) -> impl Future<Output = Result<Vec<Place>, String>> + Send;
    /// Removes the rows of outputs that are no more.
    fn remove(&self, ids: &[Uuid]) -> impl Future<Output = Result<u64, String>> + Send;
}

impl Rows for PgPool {
    async fn living(&self, after: Place, limit: u32) -> Result<Vec<Place>, String> {
        jobs::living(self, after, limit).await.map_err(|error| postgres::reason(&error))
    }

    async fn remove(&self, ids: &[Uuid]) -> Result<u64, String> {
        jobs::remove_all(self, ids).await.map_err(|error| postgres::reason(&error))
    }
}

/// How far a round over all living outputs has come, from the oldest to the newest.
pub(super) struct Round {
    suspects: Suspects,
    after: Place,
    /// The store has the object of one that was looked at in this round, so it has been the same since that was made.
    store_known: bool,
    missing: i64,
    /// Of those, the ones older than anything that the store has.
    untold: u64,
    warned: bool,
}

impl Round {
    pub(super) fn new() -> Self {
        Self {
            // A second look is enough: an object is put before its row, and a row goes after its object.
            suspects: Suspects::new(std::time::Duration::ZERO),
            after: Place::BEFORE_ALL,
            store_known: false,
            missing: 0,
            untold: 0,
            warned: false,
        }
    }

    /// Looks at the next outputs of the round, and removes the rows of those that are missing for the second time.
    pub(super) async fn look(
        &mut self,
        rows: &impl Rows,
        store: &dyn ImageStore,
        metrics: &WorkerMetrics,
        shutdown: &Shutdown,
    ) -> Result<(), String> {
        let living = rows.living(self.after, LOOK).await?;
        let looked: Vec<(Place, bool)> = stream::iter(living.iter().copied())
            .take_while(|_| std::future::ready(!shutdown.is_requested()))
            .map(|place| async move { store.head(place.id).await.map(|found| (place, found.is_some())) })
            .buffered(AT_ONCE)
            .try_collect()
            .await
            .map_err(|error| error.to_string())?;
        let mut lost = Vec::new();
        for (place, is_there) in &looked {
            self.after = *place;
            if *is_there {
                self.store_known = true;
                continue;
            }
            self.missing += 1;
            if !self.store_known {
                self.untold += 1;
            } else if self.suspects.suspect(place.id) {
                lost.push(place.id);
            }
        }
        if !lost.is_empty() {
            store.check().await.map_err(|error| error.to_string())?;
            let removed = rows.remove(&lost).await?;
            metrics.rows_without_objects.inc_by(removed);
            for image_id in lost {
                self.suspects.settled(image_id);
                tracing::warn!(%image_id, "removed the row of an output whose object is gone");
            }
        }
        if living.len() < LOOK as usize && looked.len() == living.len() {
            self.end(metrics);
        }
        Ok(())
    }

    fn end(&mut self, metrics: &WorkerMetrics) {
        metrics.objects_missing.set(self.missing);
        if self.untold > 0 && !self.warned {
            tracing::warn!(
                outputs = self.untold,
                "the image store has no object of these living outputs and of none before them; their rows stay: is it \
                 the right store?"
            );
        }
        self.suspects.end_round();
        *self = Self {
            warned: self.untold > 0,
            suspects: std::mem::replace(&mut self.suspects, Suspects::new(std::time::Duration::ZERO)),
            ..Self::new()
        };
    }
}

#[cfg(test)]
mod tests;
