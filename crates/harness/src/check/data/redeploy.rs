//! What people have survives that every service is stopped and started.

use super::{Check, Finding, Subject, with};
use crate::observation::Redeployed;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "data.redeploy.accounts",
            Subject::Data,
            "after every service was stopped and started, people log in as before",
            "201",
            |seen| with(seen, |data| &data.redeployed, accounts),
        ),
        Check::new(
            "data.redeploy.outputs",
            Subject::Data,
            "after every service was stopped and started, people find the same outputs, byte for byte by a new link",
            "every output that is still to live, and no other",
            |seen| with(seen, |data| &data.redeployed, outputs),
        ),
        Check::new(
            "data.redeploy.expired",
            Subject::Data,
            "an output whose life ended while every service was stopped and started is gone: told, not listed, swept",
            "410, not listed, and its object gone within the grace",
            |seen| with(seen, |data| &data.redeployed, expired),
        ),
    ]
}

fn accounts(seen: &Redeployed) -> Finding {
    match &seen.login {
        Ok(status) => {
            Finding::judged(*status == 201, format!("{status}, after {} instances", seen.instances))
        }
        Err(why) => Finding::Unknown(why.clone()),
    }
}

fn outputs(seen: &Redeployed) -> Finding {
    if seen.before.is_empty() {
        return Finding::Unknown("there was no output before".into());
    }
    if seen.login != Ok(201) {
        return Finding::Unknown("nobody could log in to look".into());
    }
    let told = |what: &str, ids: Vec<&String>| {
        let ids: Vec<&str> = ids.into_iter().map(String::as_str).collect();
        (!ids.is_empty()).then(|| format!("{what}: {}", ids.join(", ")))
    };
    let others = seen.after.difference(&seen.before).filter(|id| **id != seen.ended);
    let wrong = [
        told("missing", seen.before.difference(&seen.after).collect()),
        told("not the same bytes", seen.before.difference(&seen.same).collect()),
        told("never made", others.collect()),
    ];
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    if wrong.is_empty() {
        return Finding::Pass(format!("{} outputs, after {} instances", seen.before.len(), seen.instances));
    }
    Finding::Fail(wrong.join("; "), None)
}

fn expired(seen: &Redeployed) -> Finding {
    let answer = match &seen.ended_answer {
        Ok(answer) => *answer,
        Err(why) => return Finding::Unknown(why.clone()),
    };
    let is_listed = seen.after.contains(&seen.ended);
    let listed = if is_listed { "listed" } else { "not listed" };
    let gone = match seen.ended_gone_after {
        Some(after) => format!("its object gone {:.1} s after its end", after.as_secs_f64()),
        None => "its object still there when the grace was over".into(),
    };
    let holds = answer == 410 && !is_listed && seen.ended_gone_after.is_some();
    Finding::judged(holds, format!("{answer}, {listed}, {gone}"))
}
