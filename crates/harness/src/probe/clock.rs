//! The clock by which the lives of outputs are counted: the database's.

use std::time::Duration;

use sqlx::Row;
use time::OffsetDateTime;

use crate::{engine::innermost, observation::Seen, running::RunningStack};

/// The database is asked so often; the answer that took the least time tells the most.
const LOOKS: usize = 3;

/// The database's clock, as far as it can be told from this machine's.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// By how much the database's clock is ahead.
    ahead: time::Duration,
}

impl Clock {
    /// Asks the database what time it is.
    pub async fn of(running: &RunningStack) -> Seen<Self> {
        let told = |error: sqlx::Error| format!("asking the database for the time: {}", innermost(&error));
        let mut database = running.database().await?;
        let mut looks = Vec::new();
        for _ in 0..LOOKS {
            let sent = OffsetDateTime::now_utc();
            let query = sqlx::query("SELECT clock_timestamp() AS moment");
            let moment =
                query.fetch_one(&mut database).await.and_then(|row| row.try_get("moment")).map_err(told)?;
            looks.push(Look { sent, moment, came: OffsetDateTime::now_utc() });
        }
        let best = looks.into_iter().min_by_key(|look| look.came - look.sent);
        Ok(Self { ahead: best.map(|look| look.ahead()).unwrap_or_default() })
    }

    /// What time it is by this clock.
    pub fn now(self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.ahead
    }

    /// How long a moment of this clock is over; none while it is still to come.
    pub fn since(self, moment: OffsetDateTime) -> Option<Duration> {
        Duration::try_from(self.now() - moment).ok()
    }

    /// Sleeps until it is that moment by this clock.
    pub async fn sleep_until(self, moment: OffsetDateTime) {
        if let Ok(left) = Duration::try_from(moment - self.now()) {
            tokio::time::sleep(left).await;
        }
    }
}

/// What the database said, and this machine's clock before and after.
struct Look {
    sent: OffsetDateTime,
    moment: OffsetDateTime,
    came: OffsetDateTime,
}

impl Look {
    /// By how much the other clock is ahead. One that may show what ours does is taken for the same: they are looked at
    /// to the millisecond around an end, and asking is not as exact.
    fn ahead(&self) -> time::Duration {
        if (self.sent..=self.came).contains(&self.moment) {
            return time::Duration::ZERO;
        }
        self.moment - (self.sent + (self.came - self.sent) / 2)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::same(2, 0)]
    #[case::same_at_the_edge(10, 0)]
    #[case::ahead(3_600_005, 3_600_000)]
    #[case::behind(-3_599_995, -3_600_000)]
    fn clock_is_another_only_where_it_cannot_be_ours(#[case] moment_ms: i64, #[case] ahead_ms: i64) {
        let sent = OffsetDateTime::UNIX_EPOCH;
        let at = |ms| sent + time::Duration::milliseconds(ms);
        let look = Look { sent, moment: at(moment_ms), came: at(10) };
        assert_eq!(look.ahead(), time::Duration::milliseconds(ahead_ms));
    }
}
