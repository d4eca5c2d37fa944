//! Dependencies go away and come back: trying again until a deadline, and saying so once rather than each time.

use std::fmt::Display;
use std::time::Duration;

use service::Shutdown;
use tokio::time::{Instant, sleep, timeout_at};

/// Short enough that a person does not notice a dependency's restart.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The last thing seen when the deadline came.
#[derive(Debug, thiserror::Error)]
#[error("could not {what} in time; last seen: {last}")]
pub(crate) struct GaveUp {
    what: &'static str,
    last: String,
}

/// Tries until it works or the deadline comes. `explain` puts an error into words without secrets.
pub(crate) async fn insist<T, E, F>(
    what: &'static str,
    deadline: Instant,
    explain: impl Fn(&E) -> String,
    mut attempt: impl FnMut() -> F,
) -> Result<T, GaveUp>
where
    F: Future<Output = Result<T, E>>,
{
    let mut pause = FIRST_PAUSE;
    let mut last = "no answer".to_owned();
    loop {
        match timeout_at(deadline, attempt()).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => last = explain(&error),
            Err(_) => return Err(GaveUp { what, last }),
        }
        tracing::debug!(what, error = last, "trying again");
        if Instant::now() + pause >= deadline {
            return Err(GaveUp { what, last });
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Sleeps, unless stopping is asked for meanwhile: then `true`.
pub(crate) async fn stopped_during(pause: Duration, shutdown: &Shutdown) -> bool {
    tokio::time::timeout(pause, shutdown.requested()).await.is_ok()
}

/// Logs when something begins to fail and when it works again, not every time in between.
pub(crate) struct Outage {
    what: &'static str,
    since: Option<Instant>,
}

impl Outage {
    pub(crate) fn of(what: &'static str) -> Self {
        Self { what, since: None }
    }

    pub(crate) fn failed(&mut self, error: &impl Display) {
        if self.since.is_none() {
            tracing::warn!(what = self.what, error = %error, "failing; will be tried again");
            self.since = Some(Instant::now());
        }
    }

    pub(crate) fn works(&mut self) {
        if let Some(since) = self.since.take() {
            tracing::info!(what = self.what, outage_s = since.elapsed().as_secs(), "works again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn what_fails_at_first_is_tried_until_it_works() {
        let tries = Cell::new(0);
        let done = insist(
            "try",
            Instant::now() + Duration::from_mins(1),
            |e: &&str| (*e).to_owned(),
            || {
                tries.set(tries.get() + 1);
                let result = if tries.get() < 6 { Err("away") } else { Ok(tries.get()) };
                async move { result }
            },
        );
        assert_eq!(done.await.unwrap(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn deadline_ends_the_trying_and_tells_what_was_seen_last() {
        let deadline = Instant::now() + Duration::from_secs(5);
        let gave_up =
            insist("reach it", deadline, |e: &&str| (*e).to_owned(), || async { Err::<(), _>("away") });
        assert_eq!(gave_up.await.unwrap_err().to_string(), "could not reach it in time; last seen: away");
        assert!(Instant::now() <= deadline);
    }

    #[tokio::test(start_paused = true)]
    async fn attempt_that_hangs_ends_at_the_deadline() {
        let deadline = Instant::now() + Duration::from_secs(5);
        let gave_up = insist(
            "reach it",
            deadline,
            |e: &&str| (*e).to_owned(),
            std::future::pending::<Result<(), &str>>,
        );
        assert_eq!(
            gave_up.await.unwrap_err().to_string(),
            "could not reach it in time; last seen: no answer"
        );
    }
}
