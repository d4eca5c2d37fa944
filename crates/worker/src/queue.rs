//! The loop that takes jobs: as many at once as there are cores, and none after a stop was asked for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jobs::Delivery;
use service::Shutdown;
use service::redis::reason;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Worker;
use crate::job::{self, Memory};
use crate::outage::{Outage, stopped_during};

/// How often jobs of workers that died are looked for.
const RECLAIM_EVERY: Duration = Duration::from_secs(5);
/// Between two tries while Redis is away.
const PAUSE: Duration = Duration::from_millis(500);

/// Takes and does jobs until `shutdown` is requested, then waits for those under way.
pub(crate) async fn run(worker: Arc<Worker>, shutdown: Shutdown) {
    let slots = std::thread::available_parallelism().map_or(1, usize::from);
    let slots = Arc::new(Semaphore::new(slots));
    let memory = Memory::new();
    let mut under_way = JoinSet::new();
    let mut source = Source::new(&worker);

    loop {
        let slot = tokio::select! {
            // In this order, or a stop would now and then be noticed a wait later.
            biased;
            () = shutdown.requested() => break,
            slot = Arc::clone(&slots).acquire_owned() => slot,
        };
        // Never closed.
        let Ok(slot) = slot else { break };
        match source.next().await {
            Ok(Some(delivery)) => {
                let work = one(Arc::clone(&worker), delivery, memory.clone(), slot);
                under_way.spawn(work);
            }
            Ok(None) => {}
            Err(()) => {
                if stopped_during(PAUSE, &shutdown).await {
                    break;
                }
            }
        }
        while under_way.try_join_next().is_some() {}
    }
    let drained = async { while under_way.join_next().await.is_some() {} };
    if tokio::time::timeout(worker.config.shutdown_grace, drained).await.is_err() {
        // They were not acknowledged: another worker gets them after the visibility timeout.
        tracing::warn!("jobs were still under way when the grace period ended");
    }
}

async fn one(worker: Arc<Worker>, delivery: Delivery, memory: Memory, slot: OwnedSemaphorePermit) {
    worker.metrics.running.inc();
    job::work(&worker, &delivery, &memory).await;
    worker.metrics.running.dec();
    drop(slot);
}

/// New jobs, and from time to time those that another worker left lying.
struct Source<'a> {
    worker: &'a Worker,
    reclaimed: VecDeque<Delivery>,
    reclaim_at: Instant,
    outage: Outage,
}

impl<'a> Source<'a> {
    fn new(worker: &'a Worker) -> Self {
        Self {
            worker,
            reclaimed: VecDeque::new(),
            reclaim_at: Instant::now(),
            outage: Outage::of("taking jobs"),
        }
    }

    /// The next job, or `None` when none came for a while. An error is logged already.
    async fn next(&mut self) -> Result<Option<Delivery>, ()> {
        let next = self.look().await;
        match &next {
            Ok(_) => self.outage.works(),
            Err(error) => self.outage.failed(&reason(error)),
        }
        next.map_err(drop)
    }

    async fn look(&mut self) -> Result<Option<Delivery>, redis::RedisError> {
        let consumer = &self.worker.consumer;
        if self.reclaimed.is_empty() && Instant::now() >= self.reclaim_at {
            self.reclaimed.extend(consumer.reclaim(self.worker.config.visibility_timeout()).await?);
            self.reclaim_at = Instant::now() + RECLAIM_EVERY;
        }
        match self.reclaimed.pop_front() {
            Some(delivery) => Ok(Some(delivery)),
            None => consumer.take().await,
        }
    }
}
