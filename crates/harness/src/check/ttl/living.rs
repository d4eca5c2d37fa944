//! A link while it lives: what its answers tell caches and browsers, in whole, in part, again, and by its head.

use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use super::with_expiry;
use crate::{
    check::{
        Check, Finding, Subject,
        smoke::{broken, judge_step},
    },
    observation::{Expiry, LivingLink},
    probe::http::Answer,
};

/// Steps in which a living link gives the picture, a part of it, or says that it is the same.
const ALIVE: [&str; 6] = [
    WHOLE,
    "lasting.link.head",
    "lasting.link.kept",
    "lasting.link.middle",
    "lasting.link.rest",
    "lasting.link.last",
];
const WHOLE: &str = "lasting.link";

/// A second less than there is left keeps nothing for too long.
const TOLERANCE: i64 = 1;

pub(super) fn checks() -> Vec<Check> {
    vec![
        check(
            "ttl.link.headers",
            "a link's answers tell what they are, and let caches keep them for as long as the link lives and no longer",
            "private, a max-age and an Expires that are the time left, one ETag, nosniff, the picture's own type",
            |expiry| {
                for step in ALIVE {
                    let followed = followed(expiry, step)?;
                    followed.tells_the_truth(expiry).map_err(|lie| fail(step, &lie))?;
                }
                Ok(format!(
                    "{} answers to a link that ended at {}",
                    ALIVE.len(),
                    followed(expiry, WHOLE)?.link.expires
                ))
            },
        ),
        check(
            "ttl.link.range",
            "a range of a link's bytes is just those bytes of the whole",
            "206 with those bytes and a Content-Range that says so; 416 beyond the end",
            |expiry| {
                let whole = followed(expiry, WHOLE)?;
                let size = whole.answer.body.len();
                if whole.link.ranges.is_empty() {
                    return Err(Finding::Unknown(format!("{WHOLE} answered {}", whole.answer.status)));
                }
                for range in &whole.link.ranges {
                    let answer = followed(expiry, range.step)?.answer;
                    let (status, told, bytes) = match &range.part {
                        Some(part) => {
                            let told = format!("bytes {}-{}/{size}", part.start, part.end - 1);
                            (206, told, whole.answer.body.get(part.clone()))
                        }
                        None => (416, format!("bytes */{size}"), None),
                    };
                    let right = answer.status == status
                        && answer.header("content-range") == Some(&told)
                        && bytes.is_none_or(|bytes| bytes == answer.body);
                    if !right {
                        let said = answer.header("content-range").unwrap_or("no Content-Range");
                        let told =
                            format!("answered {} with {} bytes and {said}", answer.status, answer.body.len());
                        return Err(fail(range.step, &format!("`{}` of {size} bytes {told}", range.asked)));
                    }
                }
                Ok(format!("{} ranges of {size} bytes", whole.link.ranges.len()))
            },
        ),
        check(
            "ttl.link.kept",
            "whoever has the picture already is not sent it again",
            "304 and no body to the ETag of the copy at hand",
            |expiry| {
                let answer = followed(expiry, "lasting.link.kept")?.answer;
                let told = format!("answered {} with {} bytes", answer.status, answer.body.len());
                if (answer.status, answer.body.len()) == (304, 0) {
                    Ok(told)
                } else {
                    Err(fail("If-None-Match", &told))
                }
            },
        ),
        check(
            "ttl.link.head",
            "the head of a link's answer is to be had by itself",
            "200, no body, and the length of the picture",
            |expiry| {
                let answer = followed(expiry, "lasting.link.head")?.answer;
                let size = followed(expiry, WHOLE)?.answer.body.len().to_string();
                let said = answer.header("content-length").unwrap_or("no length");
                let told = format!("answered {} with {said}, and {} bytes", answer.status, answer.body.len());
                let right = answer.status == 200 && said == size && answer.body.is_empty();
                if right { Ok(told) } else { Err(fail("HEAD", &told)) }
            },
        ),
    ]
}

fn check(id: &str, claim: &str, expected: &str, judge: fn(&Expiry) -> Result<String, Finding>) -> Check {
    Check::new(id, Subject::Expiry, claim, expected, move |seen| {
        with_expiry(seen, |expiry| judge(expiry).map_or_else(|finding| finding, Finding::Pass))
    })
}

fn fail(step: &str, told: &str) -> Finding {
    Finding::Fail(format!("{step}: {told}"), None)
}

/// An answer to a link that surely lived all the while.
struct Followed<'a> {
    link: &'a LivingLink,
    answer: &'a Answer,
    sent_at: OffsetDateTime,
    answered_at: OffsetDateTime,
}

fn followed<'a>(expiry: &'a Expiry, step: &str) -> Result<Followed<'a>, Finding> {
    let unknown = || Finding::Unknown(broken(&expiry.story));
    let link = expiry.link.as_ref().ok_or_else(unknown)?;
    let exchange = expiry.story.steps.get(step).map(|exchange| (exchange, exchange.answer.as_ref()));
    let Some((exchange, Ok(answer))) = exchange else {
        // No answer where one was due is a failure; a step that was never reached is unknown.
        return Err(judge_step(&expiry.story, step, |_, _| unknown()));
    };
    let sent_at = *link.sent_at.get(step).ok_or_else(unknown)?;
    let answered_at = sent_at + exchange.duration;
    if answered_at.unix_timestamp() >= link.expires {
        return Err(Finding::Unknown(format!("the link was over before {step} was answered")));
    }
    Ok(Followed { link, answer, sent_at, answered_at })
}

impl Followed<'_> {
    /// Holds the headers against the time left, against each other, and against what is known of the picture.
    fn tells_the_truth(&self, expiry: &Expiry) -> Result<(), String> {
        if !matches!(self.answer.status, 200 | 206 | 304) {
            return Err(format!("answered {}", self.answer.status));
        }
        let max_age = self.max_age()?;
        let left = |moment| i128::from(self.link.expires) * 1000 - moment_ms(moment);
        let kept_ms = i128::from(max_age) * 1000;
        if kept_ms > left(self.sent_at) || kept_ms < left(self.answered_at) - 1000 * i128::from(1 + TOLERANCE)
        {
            return Err(format!("max-age={max_age} where {} ms were left", left(self.answered_at)));
        }
        let end = self.moment("expires")?;
        if end != self.link.expires {
            return Err(format!("Expires is {} s after the link's end", end - self.link.expires));
        }
        let by_date = end - self.moment("date")?;
        if (by_date - max_age).abs() > TOLERANCE {
            return Err(format!("max-age={max_age}, but Expires is {by_date} s after Date"));
        }
        let whole = followed(expiry, WHOLE).map_err(|_| "no whole picture to hold it against")?.answer;
        let tag = self.one("etag")?;
        if tag != whole.header("etag").unwrap_or_default() {
            return Err(format!("the ETag {tag}, which is another one than the whole picture's"));
        }
        if self.one("x-content-type-options")? != "nosniff" {
            return Err("X-Content-Type-Options is not nosniff".into());
        }
        let kind = expiry.story.need("lasting.described", "/content_type")?;
        if self.answer.status != 304 && self.one("content-type")? != kind {
            return Err(format!("Content-Type is {}, and the picture is {kind}", self.one("content-type")?));
        }
        Ok(())
    }

    fn max_age(&self) -> Result<i64, String> {
        let told = self.one("cache-control")?;
        let age = told.strip_prefix("private, max-age=").and_then(|age| age.parse().ok());
        age.ok_or_else(|| format!("Cache-Control is `{told}`"))
    }

    /// A date of a header, in Unix seconds.
    fn moment(&self, header: &str) -> Result<i64, String> {
        let told = self.one(header)?;
        // The date of HTTP is that of mail, but for the zone's name.
        let moment = OffsetDateTime::parse(&told.replace("GMT", "+0000"), &Rfc2822);
        let moment = moment.map_err(|_| format!("`{header}` is no date: `{told}`"))?;
        Ok(moment.unix_timestamp())
    }

    /// The value of a header that is there once.
    fn one(&self, header: &str) -> Result<&str, String> {
        let mut values = self.answer.headers.iter().filter(|(name, _)| name == header);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value),
            (None, _) => Err(format!("no `{header}`")),
            _ => Err(format!("`{header}` twice")),
        }
    }
}

/// Milliseconds since 1970, rounded down.
fn moment_ms(moment: OffsetDateTime) -> i128 {
    moment.unix_timestamp_nanos().div_euclid(1_000_000)
}
