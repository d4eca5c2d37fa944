//! A job's output is made exactly once.

use super::{Check, Finding, Subject, with};
use crate::observation::{GivenUp, JobEnd, Killed, Repeated};

/// A message for people has at least so many words; a code has fewer.
const WORDS: usize = 3;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "data.once.repeated",
            Subject::Data,
            "a message that comes twice, while its job runs and after it has ended, makes no second output and changes nothing",
            "done, one row, one object, nothing left in the queue, no object without a row",
            |seen| with(seen, |data| &data.repeated, repeated),
        ),
        Check::new(
            "data.once.killed",
            Subject::Data,
            "where workers are killed in the middle of jobs, each job has one output in the end, or words that say why not",
            "each job done with one row and one object, or failed with a sentence and none",
            |seen| with(seen, |data| &data.killed, killed),
        ),
        Check::new(
            "data.once.given_up",
            Subject::Data,
            "a job whose worker died as often as JOB_ATTEMPTS says is not begun again, and says so in words",
            "failed, with a sentence, no output, nothing left in the queue",
            |seen| with(seen, |data| &data.given_up, given_up),
        ),
    ]
}

/// What is wrong with how a job ended.
fn wrong(end: &JobEnd) -> Option<String> {
    let (rows, objects) = (end.rows.len(), end.objects);
    let words = end.failure.as_deref().unwrap_or_default();
    let is_right = match end.state.as_str() {
        "done" => rows == 1 && objects == 1 && end.output.as_ref().is_some_and(|id| end.rows.contains(id)),
        "failed" => rows == 0 && words.split_whitespace().count() >= WORDS,
        _ => false,
    };
    let told = if words.is_empty() { String::new() } else { format!(" with `{words}`") };
    let told = format!("job {} is {}{told}, with {rows} rows and {objects} objects", end.job, end.state);
    (!is_right).then_some(told)
}

fn repeated(seen: &Repeated) -> Finding {
    let mut bad: Vec<String> = wrong(&seen.after).into_iter().collect();
    if seen.after.state != "done" {
        bad.push(format!("its state is {}", seen.after.state));
    }
    if seen.before != seen.after {
        bad.push(format!("before the last copy it was {:?}, and after it {:?}", seen.before, seen.after));
    }
    if seen.left > 0 {
        bad.push(format!("{} of its messages are still in the queue", seen.left));
    }
    if !seen.orphans.is_empty() {
        bad.push(format!("objects without a row: {}", seen.orphans.join(", ")));
    }
    let (during, after) = seen.copies;
    if bad.is_empty() {
        return Finding::Pass(format!("one output, for {during} copies before its end and {after} after it"));
    }
    Finding::Fail(bad.join("; "), None)
}

fn killed(seen: &Killed) -> Finding {
    let moments: Vec<String> =
        seen.moments.iter().map(|moment| format!("{} ms", moment.as_millis())).collect();
    let met: Vec<String> = seen.met.iter().map(ToString::to_string).collect();
    let how = format!(
        "{} jobs were cut off by the kills: when a job began, and {} after the workers were back (`x-shakedown: {{ seed: {} }}`)",
        met.join(", "),
        moments.join(", "),
        seen.seed
    );
    let wrong: Vec<String> = seen.jobs.iter().filter_map(wrong).collect();
    if !wrong.is_empty() {
        return Finding::Fail(format!("{}; {how}", wrong.join("; ")), None);
    }
    if seen.met.iter().all(|met| *met == 0) {
        return Finding::Unknown(format!("no kill met a job; {how}"));
    }
    let done = seen.jobs.iter().filter(|end| end.state == "done").count();
    Finding::Pass(format!("{done} of {} jobs done, the others failed with words; {how}", seen.jobs.len()))
}

fn given_up(seen: &GivenUp) -> Finding {
    let begun = format!("it had been begun {} times", seen.begun);
    if let Some(wrong) = wrong(&seen.end) {
        return Finding::Fail(format!("{wrong}; {begun}"), None);
    }
    let words = seen.end.failure.as_deref().unwrap_or_default();
    let told = format!("{}, `{words}`, {} messages left; {begun}", seen.end.state, seen.left);
    Finding::judged(seen.end.state == "failed" && seen.left == 0, told)
}
