//! Floods and tallies, held against what the definition allows.

use std::time::Duration;

use super::Finding;
use crate::observation::{Flood, Tally};

/// Part of a limit by which a flood may be refused too early or too late, for what is under way at that moment.
const TOLERANCE: f64 = 0.05;
/// The same in requests, for small limits.
const FEW: f64 = 3.0;

/// A claim about what happens beyond a limit; where none was met, nobody can tell.
pub(super) fn if_refused(flood: &Flood, judge: impl FnOnce() -> Finding) -> Finding {
    if flood.answers.of(429) == 0 {
        return Finding::Unknown(format!("nobody was refused: {}", told(flood)));
    }
    judge()
}

/// A flood meets its limit: neither before as many were let through as are allowed at once, nor after more than came back
/// meanwhile.
pub(super) fn exhausted(flood: &Flood) -> Finding {
    let told = told(flood);
    if flood.limit == 0 {
        return Finding::Fail(format!("{told}: the limit is turned off"), None);
    }
    let answers = &flood.answers;
    let failed: u64 =
        answers.statuses.range(500..).map(|(_, count)| count).sum::<u64>() + answers.silent.len() as u64;
    if failed > 0 {
        return Finding::Fail(told, None);
    }
    let (through, limit) = (number(answers.let_through()), number(flood.limit));
    let tolerated = limit * TOLERANCE + FEW;
    if through > limit + came_back(flood) + tolerated {
        let likely = "it is not counted, or counted apart where it should be counted together";
        return Finding::Fail(told, Some(likely.into()));
    }
    if answers.of(429) == 0 {
        return if flood.took >= TOO_SLOW {
            Finding::Unknown(format!("{told}: too slow to meet the limit"))
        } else {
            Finding::Fail(format!("{told}: so many requests do not meet it"), None)
        };
    }
    if through < limit - tolerated {
        return Finding::Fail(
            format!("{told}: refused too early"),
            Some("somebody else's requests count too".into()),
        );
    }
    Finding::Pass(told)
}

/// What a flood stops at by itself, see the probe.
const TOO_SLOW: Duration = Duration::from_secs(20);

/// How many requests became free again during a flood.
fn came_back(flood: &Flood) -> f64 {
    number(flood.limit) * flood.took.as_secs_f64() / flood.window.as_secs_f64().max(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

fn told(flood: &Flood) -> String {
    let seconds = flood.took.as_secs_f64();
    format!("{} is {}; in {seconds:.1} s: {}", flood.setting, flood.limit, flood.answers)
}

pub(super) fn served(tally: &Tally) -> Finding {
    Finding::judged(tally.all() > 0 && tally.let_through() == tally.all(), format!("meanwhile: {tally}"))
}

pub(super) fn spoofed(claims: &Flood, victim: &Tally) -> Finding {
    let told = format!("who claims to be others: {}; who was named: {victim}", claims.answers);
    let room = came_back(claims) + FEW;
    if room >= number(claims.answers.all()) {
        return Finding::Unknown(format!("{told}: too slow, room for all of them came back meanwhile"));
    }
    let holds = number(claims.answers.let_through()) <= room
        && claims.answers.silent.is_empty()
        && victim.let_through() == victim.all();
    Finding::judged(holds, told)
}

pub(super) fn quota(flood: &Flood) -> Finding {
    let answers = &flood.answers;
    if answers.of(429) == 0 && answers.of(202) == answers.all() {
        return Finding::Fail(format!("{}: so many pictures do not meet it", told(flood)), None);
    }
    let holds = answers.of(202) == flood.limit && answers.of(202) + answers.of(429) == answers.all();
    Finding::judged(holds, told(flood))
}
