//! Who may do what, and what gives it away, as plain data: a row for everything that was tried.

use std::{collections::BTreeMap, time::Duration};

use super::Seen;
use crate::probe::http::Answer;

/// Who may do what, and what gives it away.
#[derive(Clone, Debug, Default)]
pub struct Auth {
    /// What was tried, by what it was tried for, such as `token.forged`; a check has the group of its own name.
    pub groups: BTreeMap<String, Seen<Vec<Row>>>,
    /// Every `Set-Cookie` that somebody got who signed up, logged in and logged out with web's forms.
    pub cookies: Option<Seen<Vec<SetCookie>>>,
    /// What log-in answered to an unknown user and to a wrong password, by the door: `api` and `web`.
    pub answers: BTreeMap<String, Seen<Twins>>,
    /// How long log-in took for both, by the door.
    pub times: BTreeMap<String, Seen<Vec<Pair>>>,
    /// How the passwords of the run's people are stored.
    pub hashes: Option<Seen<Vec<StoredHash>>>,
}

/// One thing that was tried, and what came of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is tried for.
    pub role: Role,
    /// What was tried, for people: who, method, object, how its path was spelt.
    pub tried: String,
    /// The answer, or why there was none.
    pub answer: Result<Answer, String>,
    /// What the answer shows that is somebody else's, or is forbidden in it; each by its name.
    pub shown: Vec<String>,
}

/// What a row is tried for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Must go through, or nothing can be told by the trials.
    Control,
    /// What the check is about.
    Trial,
    /// Must go through in spite of the trials.
    Kept,
}

/// A `Set-Cookie` header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetCookie {
    /// The step that brought it: `sign-up`, `log-in`, `log-out`, or a page before them.
    pub step: String,
    /// Its name.
    pub name: String,
    /// Its attributes, in lower case, each with its value where it has one. The cookie's own value is not kept.
    pub attributes: BTreeMap<String, String>,
    /// It has a value.
    pub has_value: bool,
}

/// The answers to an unknown user and to a wrong password, without what is told anew each time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Twins {
    /// To who has no account.
    pub unknown_user: Told,
    /// To who has one, and another password.
    pub wrong_password: Told,
}

/// What an answer tells: status, headers (sorted, without date, ids and length), body (without ids and tokens).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Status code.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Text.
    pub body: String,
}

/// How long two log-ins took that were made one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Of an unknown user.
    pub unknown_user: Duration,
    /// With a wrong password.
    pub wrong_password: Duration,
}

/// How a password is stored, without its salt and hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredHash {
    /// Algorithm, version and parameters, such as `argon2id`, `v=19`, `m=19456,t=2,p=1`.
    pub parts: Vec<String>,
    /// It holds the password.
    pub holds_password: bool,
    /// Another account with the same password has the same hash.
    pub shared: bool,
}

/// What the times of pairs tell about the difference between the two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Difference {
    /// They take the same time, as far as anybody could use it.
    None(Measured),
    /// They differ by more than chance and by more than is allowed.
    Some(Measured),
    /// The spread is too wide to say.
    Unclear(Measured),
}

/// A difference as measured, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// How long a wrong password takes.
    pub usual_ms: f64,
    /// How much longer that is than what an unknown user takes.
    pub difference_ms: f64,
    /// The difference is this much more or less, with 99.7 % probability.
    pub give_or_take_ms: f64,
}

/// An answer that leaves the password's hash out saves nearly all of the time; more than a third is no chance.
const ALLOWED: f64 = 1.0 / 3.0;
/// Fewer pairs tell nothing about their spread.
const FEWEST_PAIRS: usize = 9;
/// Standard deviation of a normal distribution in units of its median absolute deviation.
const DEVIATION: f64 = 1.4826;
/// Standard error of a median in units of that of a mean.
const MEDIAN_ERROR: f64 = 1.2533;

/// Holds the medians of both against each other, each of the fastest third of its times: what a busy machine does to a
/// time is to add to it. The error of a median is told by the median absolute deviation from it.
pub fn difference(pairs: &[Pair]) -> Difference {
    let (usual_ms, usual_error) = middle(pairs.iter().map(|pair| pair.wrong_password));
    let (unknown_ms, unknown_error) = middle(pairs.iter().map(|pair| pair.unknown_user));
    let difference_ms = usual_ms - unknown_ms;
    let give_or_take_ms = 3.0 * usual_error.hypot(unknown_error);
    let measured = Measured { usual_ms, difference_ms, give_or_take_ms };
    let allowed = ALLOWED * usual_ms;
    if pairs.len() < FEWEST_PAIRS {
        Difference::Unclear(measured)
    } else if difference_ms.abs() - give_or_take_ms > allowed {
        Difference::Some(measured)
    } else if difference_ms.abs() + give_or_take_ms < allowed {
        Difference::None(measured)
    } else {
        Difference::Unclear(measured)
    }
}

/// The median of the fastest third of these times and its standard error, in milliseconds.
fn middle(times: impl Iterator<Item = Duration>) -> (f64, f64) {
    let mut times: Vec<f64> = times.map(|time| time.as_secs_f64() * 1000.0).collect();
    times.sort_by(f64::total_cmp);
    times.truncate(times.len().div_ceil(3));
    let median_ms = median(times.clone());
    let deviation = DEVIATION * median(times.iter().map(|time| (time - median_ms).abs()).collect());
    #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
    let count = times.len().max(1) as f64;
    (median_ms, MEDIAN_ERROR * deviation / count.sqrt())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(times: &[(u64, u64)]) -> Vec<Pair> {
        let ms = Duration::from_millis;
        times
            .iter()
            .map(|&(unknown, wrong)| Pair { unknown_user: ms(unknown), wrong_password: ms(wrong) })
            .collect()
    }

    #[test]
    fn times_that_are_the_same_do_not_differ_whatever_one_slow_pair_says() {
        let mut times =
            vec![(40, 41), (42, 40), (39, 41), (41, 41), (40, 39), (43, 42), (40, 41), (41, 40), (40, 40)];
        assert!(matches!(difference(&pairs(&times)), Difference::None(_)));
        times.push((900, 40));
        assert!(matches!(difference(&pairs(&times)), Difference::None(_)));
    }

    #[test]
    fn an_unknown_user_who_is_refused_without_work_is_told_by_the_time() {
        let times = [(2, 41), (3, 40), (2, 41), (2, 41), (9, 39), (3, 42), (2, 41), (2, 60), (2, 41)];
        assert!(matches!(difference(&pairs(&times)), Difference::Some(_)));
    }

    #[test]
    fn times_that_are_all_over_the_place_tell_nothing() {
        let times = [(2, 90), (30, 40), (70, 45), (2, 110), (90, 39), (3, 20), (50, 4), (12, 60), (9, 9)];
        assert!(matches!(difference(&pairs(&times)), Difference::Unclear(_)));
        assert!(matches!(difference(&[]), Difference::Unclear(_)));
    }
}
