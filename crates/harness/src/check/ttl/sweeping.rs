//! What moves no output's end, and what becomes of outputs that end while nobody sweeps.

use super::super::{Check, Finding, Subject, smoke::judge_step};
use crate::observation::{Leftover, Observations, Sweeping};

/// An end that was told in a text, and the same from the database.
const SAME_WITHIN_S: f64 = 0.001;
/// Classes of keys that are there by then; without them nothing was looked at.
const CLASSES: [&str; 3] = ["input", "limit", "session"];

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "ttl.fixed",
            Subject::Sweeping,
            "neither reads nor restarts of api and worker move the end of an output",
            "the end that was told at first",
            |seen| with_sweeping(seen, fixed),
        ),
        Check::new(
            "ttl.backlog.api",
            Subject::Sweeping,
            "outputs that ended while no worker ran are gone for the api all the same",
            "410 for each",
            |seen| with_sweeping(seen, gone_unswept),
        ),
        Check::new(
            "ttl.backlog.swept",
            Subject::Sweeping,
            "a worker that comes back to a backlog sweeps all of it within the grace period",
            "rows and objects are there before it comes back, and gone after",
            |seen| with_sweeping(seen, swept),
        ),
        Check::new(
            "ttl.redis",
            Subject::Sweeping,
            "every key of Redis but the queue itself ends by itself: sessions, limits, inputs and whatever else",
            "an expiry on each",
            |seen| with_sweeping(seen, redis),
        ),
    ]
}

fn with_sweeping(seen: &Observations, judge: impl FnOnce(&Sweeping) -> Finding) -> Finding {
    match &seen.sweeping.seen {
        Ok(sweeping) => judge(sweeping),
        Err(why) => Finding::Unknown(why.clone()),
    }
}

fn unknown(sweeping: &Sweeping, otherwise: &str) -> Finding {
    Finding::Unknown(sweeping.story.broken.clone().unwrap_or_else(|| otherwise.into()))
}

fn fixed(sweeping: &Sweeping) -> Finding {
    let (looked, outputs) = (sweeping.moved_s.len(), sweeping.outputs);
    let furthest = sweeping.moved_s.iter().map(|moved| moved.abs()).reduce(f64::max).unwrap_or_default();
    let told = format!("{looked} of {outputs} ends, moved by {furthest:.3} s");
    // One that has moved is enough to fail; all of them are needed to pass.
    if furthest >= SAME_WITHIN_S {
        return Finding::Fail(told, None);
    }
    if looked == 0 || looked < outputs {
        return unknown(sweeping, &format!("{told}: the others were not looked at after the restarts"));
    }
    Finding::Pass(told)
}

/// Those whose rows and objects are still there: else somebody swept, and nothing is known.
fn backlog(sweeping: &Sweeping) -> Result<Leftover, Finding> {
    match sweeping.backlog {
        Some(backlog) if backlog.rows > 0 && backlog.objects > 0 => Ok(backlog),
        Some(Leftover { rows, objects }) => Err(unknown(
            sweeping,
            &format!("{rows} rows and {objects} objects were left when the worker was away: no backlog"),
        )),
        None => Err(unknown(sweeping, "nobody looked while the worker was away")),
    }
}

fn gone_unswept(sweeping: &Sweeping) -> Finding {
    if let Err(finding) = backlog(sweeping) {
        return finding;
    }
    let steps: Vec<&String> = sweeping.story.steps.keys().filter(|step| step.starts_with("ended.")).collect();
    for step in &steps {
        let finding = judge_step(&sweeping.story, step, |exchange, answer| {
            Finding::judged(answer.status == 410, format!("{} answered {}", exchange.request, answer.status))
        });
        if !matches!(finding, Finding::Pass(_)) {
            return finding;
        }
    }
    if steps.is_empty() {
        return unknown(sweeping, "the api was not asked after the ends");
    }
    Finding::Pass(format!("410 for {} outputs", steps.len()))
}

fn swept(sweeping: &Sweeping) -> Finding {
    let backlog = match backlog(sweeping) {
        Ok(backlog) => backlog,
        Err(finding) => return finding,
    };
    let of = |Leftover { rows, objects }| format!("{rows} rows and {objects} objects");
    match (sweeping.swept_after, &sweeping.story.broken) {
        (Some(after), _) => Finding::Pass(format!("{}, gone {} ms after", of(backlog), after.as_millis())),
        (None, Some(broken)) => Finding::Unknown(broken.clone()),
        (None, None) => Finding::Fail(
            format!("{} of {} are left", of(sweeping.left), of(backlog)),
            Some("does the sweeper run?".into()),
        ),
    }
}

fn redis(sweeping: &Sweeping) -> Finding {
    let lasting: Vec<String> = sweeping
        .keys
        .iter()
        .filter(|(_, keys)| keys.lasting > 0)
        .map(|(class, keys)| format!("{} of {} keys `{class}:…`", keys.lasting, keys.all))
        .collect();
    let missing: Vec<&str> =
        CLASSES.into_iter().filter(|class| !sweeping.keys.contains_key(*class)).collect();
    match (lasting.is_empty(), missing.is_empty()) {
        (false, _) => Finding::Fail(format!("{} stay for ever", lasting.join(", ")), None),
        (true, false) => unknown(sweeping, &format!("there were no keys of {}", missing.join(", "))),
        (true, true) => {
            let all: usize = sweeping.keys.values().map(|keys| keys.all).sum();
            let classes: Vec<&str> = sweeping.keys.keys().map(String::as_str).collect();
            Finding::Pass(format!("{all} keys: {}", classes.join(", ")))
        }
    }
}
