//! How long a link has left, and the headers that tell it to caches.

use axum::http::{HeaderName, HeaderValue, header};
use service::Problem;
use time::format_description::well_known::Rfc2822;
use time::{OffsetDateTime, UtcOffset};

use super::value;

/// A moment, and the later one at which link or image ends, whichever is first; both by the clock of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeLeft {
    now: OffsetDateTime,
    end: OffsetDateTime,
}

impl TimeLeft {
    /// None when link or image is over. The link's end is in Unix seconds.
    pub(super) fn of(
        now: OffsetDateTime,
        link_expires: i64,
        image_expires_at: OffsetDateTime,
    ) -> Option<Self> {
        let end = OffsetDateTime::from_unix_timestamp(link_expires).ok()?.min(image_expires_at);
        (end > now).then_some(Self { now, end })
    }

    pub(super) fn now(self) -> OffsetDateTime {
        self.now
    }

    /// Whole seconds, rounded down.
    pub(super) fn seconds(self) -> i64 {
        (self.end - self.now).whole_seconds()
    }

    /// `Date` is of the same clock, so that a cache which subtracts it gets the time left, whatever the clock of this
    /// machine says. Rounded down, the end can be a second before `Date` at the very end; never later than it is.
    pub(super) fn headers(self) -> Result<[(HeaderName, HeaderValue); 3], Problem> {
        Ok([
            (header::CACHE_CONTROL, value(&format!("private, max-age={}", self.seconds()))?),
            (header::EXPIRES, http_date(self.end)?),
            (header::DATE, http_date(self.now)?),
        ])
    }
}

/// A date as HTTP has it (RFC 9110, 5.6.7), in whole seconds, rounded down: that of mail, but for the zone's name.
fn http_date(moment: OffsetDateTime) -> Result<HeaderValue, Problem> {
    let date = moment.to_offset(UtcOffset::UTC).format(&Rfc2822).map_err(|_| Problem::internal())?;
    value(&date.replace("+0000", "GMT"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use time::{Duration, OffsetDateTime};

    use super::TimeLeft;

    /// Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110.
    const NOW: i64 = 784_111_777;

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(NOW).unwrap()
    }

    #[rstest]
    #[case::link_ends_first(3, 5_000, Some(3))]
    #[case::image_ends_first(100, 2_500, Some(2))]
    #[case::link_is_over(-1, 5_000, None)]
    #[case::link_is_over_now(0, 5_000, None)]
    #[case::image_is_over(100, -1, None)]
    #[case::image_is_over_now(100, 0, None)]
    #[case::less_than_a_second(100, 400, Some(0))]
    fn link_lives_as_long_as_the_shorter_of_both(
        #[case] link_s: i64,
        #[case] image_ms: i64,
        #[case] left_s: Option<i64>,
    ) {
        let left = TimeLeft::of(now(), NOW + link_s, now() + Duration::milliseconds(image_ms));
        assert_eq!(left.map(TimeLeft::seconds), left_s);
    }

    #[rstest]
    #[case(i64::MAX)]
    #[case(i64::MIN)]
    fn link_to_no_moment_at_all_is_over(#[case] link_expires: i64) {
        assert_eq!(TimeLeft::of(now(), link_expires, now() + Duration::HOUR), None);
    }

    #[test]
    fn caches_are_told_the_end_three_times_alike() {
        let moment = now() + Duration::milliseconds(300);
        let left = TimeLeft::of(moment, NOW + 100, now() + Duration::milliseconds(59_900)).unwrap();
        let told =
            left.headers().unwrap().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        assert_eq!(
            told,
            [
                "cache-control: private, max-age=59",
                "expires: Sun, 06 Nov 1994 08:50:36 GMT",
                "date: Sun, 06 Nov 1994 08:49:37 GMT"
            ]
        );
    }
}
