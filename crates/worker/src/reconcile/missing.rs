//! Rows without objects: outputs whose object somebody else removed, or a disk lost.
//!
//! The row of one is removed, so that nobody is offered what is not there. A store that was exchanged or mounted empty, or
//! that was another one for a while, looks the same for every row of that time, and must not cost them. So a row goes only
//! where the store has the outputs that were made around it: those before and after it are there, and no more than a few
//! beside it are missing. All others stay; the metric `objects_missing` and a warning say so, and what is missing ends
//! with its time.

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
/// Outputs that were made one after the other and are missing. More than that were not taken away one by one.
const FEW: usize = 3;

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
    /// The store has the object of one that was looked at in this round.
    store_known: bool,
    /// Those that are missing since the last one that is there, as far as they are few.
    run: Vec<Uuid>,
    missing: i64,
    /// Of those, the ones that are no single loss.
    untold: usize,
    /// Rounds before this one, one after the other, in which there were such.
    untold_rounds: u32,
}

impl Round {
    pub(super) fn new() -> Self {
        Self {
            // A second look is enough: an object is put before its row, and a row goes after its object.
            suspects: Suspects::new(std::time::Duration::ZERO),
            after: Place::BEFORE_ALL,
            store_known: false,
            run: Vec::new(),
            missing: 0,
            untold: 0,
            untold_rounds: 0,
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
                lost.extend(self.run_over());
            } else {
                self.missing += 1;
                self.add(place.id);
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

    fn add(&mut self, missing: Uuid) {
        // One more than a few is enough to tell that they are not.
        if self.run.len() <= FEW {
            self.run.push(missing);
        } else {
            self.untold += 1;
        }
    }

    /// The next output is there: which of those before it are missing for the second time.
    fn run_over(&mut self) -> Vec<Uuid> {
        let mut run = std::mem::take(&mut self.run);
        let known = std::mem::replace(&mut self.store_known, true);
        if !known || run.len() > FEW {
            self.untold += run.len();
            return Vec::new();
        }
        run.retain(|id| self.suspects.suspect(*id));
        run
    }

    fn end(&mut self, metrics: &WorkerMetrics) {
        self.untold += self.run.len();
        metrics.objects_missing.set(self.missing);
        // Once, and not for what a user deleted in the middle of a look.
        if self.untold > 0 && self.untold_rounds == 1 {
            tracing::warn!(
                outputs = self.untold,
                "the image store lacks these living outputs, and more than single ones; their rows stay: is it the right \
                 store, and was it all the while?"
            );
        }
        self.suspects.end_round();
        *self = Self {
            untold_rounds: if self.untold > 0 { self.untold_rounds.saturating_add(1) } else { 0 },
            suspects: std::mem::replace(&mut self.suspects, Suspects::new(std::time::Duration::ZERO)),
            ..Self::new()
        };
    }
}

#[cfg(test)]
mod tests;
