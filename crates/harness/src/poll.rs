//! The loop that waits: a condition is tried at an interval until it holds, can never hold, or time is up. The only one, but
//! for `gone_after` in `probe::expiry`, which says why.

use std::{fmt, future::Future, time::Duration};

use tokio::time::{Instant, sleep};

/// Between attempts, where nothing asks for another interval.
pub const INTERVAL: Duration = Duration::from_millis(75);

/// What one attempt found.
#[derive(Debug)]
pub enum Attempt<T> {
    /// The condition holds.
    Ready(T),
    /// Not yet; what was seen instead.
    NotYet(String),
    /// It can no longer come to hold, and why.
    Never(String),
}

/// The condition did not come to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReached {
    /// How long it was waited for.
    pub waited: Duration,
    /// What the last attempt saw.
    pub last_seen: String,
    /// It could no longer come to hold, so waiting was given up early.
    pub hopeless: bool,
}

impl fmt::Display for NotReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waited = self.waited.as_secs_f64();
        if self.hopeless {
            write!(f, "given up after {waited:.1} s: {}", self.last_seen)
        } else {
            write!(f, "not within {waited:.1} s; last seen: {}", self.last_seen)
        }
    }
}

impl std::error::Error for NotReached {}

/// Tries `attempt` every [`INTERVAL`] until it is ready, can never be, or `timeout` has passed.
///
/// An attempt that hangs is cut off at the deadline and reported as such.
pub async fn until<T, F, Fut>(timeout: Duration, attempt: F) -> Result<T, NotReached>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Attempt<T>>,
{
    until_every(INTERVAL, timeout, attempt).await
}

/// The same at another interval: where each attempt costs something that there is a limit on.
pub async fn until_every<T, F, Fut>(
    interval: Duration,
    timeout: Duration,
    mut attempt: F,
) -> Result<T, NotReached>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Attempt<T>>,
{
    let start = Instant::now();
    let deadline = start + timeout;
    let mut last_seen = String::from("nothing");
    loop {
        match tokio::time::timeout_at(deadline, attempt()).await {
            Ok(Attempt::Ready(value)) => return Ok(value),
            Ok(Attempt::Never(why)) => {
                return Err(NotReached { waited: start.elapsed(), last_seen: why, hopeless: true });
            }
            Ok(Attempt::NotYet(seen)) => last_seen = seen,
            Err(_) => {
                let last_seen = format!("{last_seen} (then an attempt that did not return)");
                return Err(NotReached { waited: start.elapsed(), last_seen, hopeless: false });
            }
        }
        if Instant::now() + interval >= deadline {
            return Err(NotReached { waited: start.elapsed(), last_seen, hopeless: false });
        }
        sleep(interval).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn timeout_tells_what_was_last_seen() {
        let mut count = 0;
        let error = until::<(), _, _>(Duration::from_secs(1), || {
            count += 1;
            let seen = format!("attempt {count}");
            async move { Attempt::NotYet(seen) }
        })
        .await
        .unwrap_err();
        assert!(!error.hopeless);
        assert!(error.to_string().starts_with("not within"), "{error}");
        assert!(error.last_seen.starts_with("attempt 1"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hopeless_condition_is_given_up_at_once() {
        let error = until::<(), _, _>(Duration::from_mins(1), || async {
            Attempt::Never("exited with code 1".into())
        })
        .await
        .unwrap_err();
        assert!(error.hopeless && error.waited < Duration::from_secs(1), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_hangs_is_cut_off_at_the_deadline() {
        let error = until::<(), _, _>(Duration::from_secs(2), std::future::pending).await.unwrap_err();
        assert!(error.last_seen.contains("did not return"), "{error}");
    }
}
