//! Requests without a pause, until enough of them were refused.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use futures::StreamExt;
use tokio::time::sleep;

use crate::{
    observation::{Flood, Tally},
    probe::http::Exchange,
};

/// So many refusals show that a limit is reached, and that what is beyond it stays refused.
const REFUSALS: u64 = 40;
/// A limit that so many requests do not meet is none.
const AT_MOST: u64 = 3_000;
/// A machine that needs longer is too slow to exhaust a limit faster than it comes back.
const WITHIN: Duration = Duration::from_secs(20);
/// Between two requests of somebody who asks now and then.
const NOW_AND_THEN: Duration = Duration::from_millis(150);

/// What to exhaust, and how.
pub(super) struct Exhaust<'a> {
    /// The setting that the limit comes from.
    pub(super) setting: &'a str,
    /// How many requests are allowed at once.
    pub(super) limit: u64,
    /// In which time so many come back.
    pub(super) window: Duration,
    /// How many are under way at the same time.
    pub(super) side_by_side: usize,
}

impl Exhaust<'_> {
    /// Sends requests, told by their number, until [`REFUSALS`] were refused or half as many again as the limit were let
    /// through.
    pub(super) async fn run<F: Future<Output = Exchange>>(self, send: impl Fn(u64) -> F) -> Flood {
        let start = Instant::now();
        let refused = AtomicU64::new(0);
        let refused = &refused;
        let send = &send;
        let at_most = (self.limit + self.limit / 2 + REFUSALS).min(AT_MOST);
        let enough = |_: &u64| {
            let more = refused.load(Ordering::Relaxed) < REFUSALS && start.elapsed() < WITHIN;
            async move { more }
        };
        let answers = futures::stream::iter(0..at_most)
            .take_while(enough)
            .map(|number| async move {
                let exchange = send(number).await;
                if exchange.status() == Some(429) {
                    refused.fetch_add(1, Ordering::Relaxed);
                }
                exchange
            })
            .buffer_unordered(self.side_by_side)
            .fold(Tally::default(), |mut tally, exchange| async move {
                tally.add(&exchange);
                tally
            })
            .await;
        let Self { limit, window, .. } = self;
        Flood { setting: self.setting.to_owned(), limit, window, took: start.elapsed(), answers }
    }
}

/// Runs a story while somebody else asks now and then, and at least once after it.
pub(super) async fn while_asking<T, F: Future<Output = Exchange>>(
    story: impl Future<Output = T>,
    ask: impl Fn() -> F,
) -> (T, Tally) {
    let over = AtomicBool::new(false);
    let asking = async {
        let mut tally = Tally::default();
        loop {
            let last = over.load(Ordering::Relaxed);
            tally.add(&ask().await);
            if last {
                return tally;
            }
            sleep(NOW_AND_THEN).await;
        }
    };
    let telling = async {
        let told = story.await;
        over.store(true, Ordering::Relaxed);
        told
    };
    tokio::join!(telling, asking)
}
