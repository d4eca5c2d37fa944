//! Two replicas behind the proxy are one service to people.

use stack::Stack;

use super::{Check, Finding, Subject};
use crate::{
    check::health::not_reached,
    observation::{Observations, Replicas},
    probe::proxy::BACK_WITHIN,
};

/// Why nobody can see processes take turns.
const ONE_ADDRESS: &str =
    "replicas as processes share one address, and the proxy keeps its connections to it";

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    let replicas = stack.services.get("api").map_or(0, |api| api.replicas);
    let of = |id: &str, claim: &str, expected: &str, judge: fn(&Replicas) -> Finding| {
        Check::new(format!("proxy.replicas.{id}"), Subject::Replicas, claim, expected, move |seen| {
            with_replicas(seen, replicas, judge)
        })
    };
    let back = format!("answers within {} s of its start", BACK_WITHIN.as_secs());
    vec![
        of("turns", "every replica of the api answers behind the proxy", "each answered some", turns)
            .only_in_containers(ONE_ADDRESS),
        of("loss", "nobody notices that a replica goes away", "no request fails", loss),
        of("return", "a replica that comes back is asked again", &back, returned)
            .only_in_containers(ONE_ADDRESS),
    ]
}

fn with_replicas(seen: &Observations, replicas: u16, judge: impl FnOnce(&Replicas) -> Finding) -> Finding {
    match &seen.replicas.seen {
        Ok(_) if replicas < 2 => {
            Finding::Skipped(format!("the definition has {replicas} replica of the api"))
        }
        Ok(seen) => judge(seen),
        Err(_) if seen.bring_up.failure.is_some() => Finding::Unknown(not_reached(seen)),
        Err(why) => Finding::Unknown(why.clone()),
    }
}

fn turns(seen: &Replicas) -> Finding {
    if seen.before.is_empty() {
        return Finding::Unknown("no replica was looked at".into());
    }
    let told: Vec<String> = seen.before.iter().map(|(name, count)| format!("{name} {count}")).collect();
    Finding::judged(seen.before.values().all(|count| *count > 0), format!("answers: {}", told.join(", ")))
}

fn loss(seen: &Replicas) -> Finding {
    if seen.asked == 0 {
        return Finding::Unknown("nothing was asked".into());
    }
    let told =
        format!("{} of {} requests failed while {} went away", seen.failed.len(), seen.asked, seen.stopped);
    match seen.failed.first() {
        Some(first) => Finding::Fail(format!("{told}, the first with {first}"), None),
        None => Finding::Pass(told),
    }
}

fn returned(seen: &Replicas) -> Finding {
    match &seen.back {
        Some(Ok(after)) => Finding::Pass(format!("answered {} ms after its start", after.as_millis())),
        Some(Err(why)) => Finding::Fail(why.clone(), None),
        None => Finding::Unknown("it was not brought back".into()),
    }
}
