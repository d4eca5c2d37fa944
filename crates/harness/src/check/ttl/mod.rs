//! `ttl.*`: an output is there just before its end and gone just after it, at every layer.

mod links;
mod living;
mod sweeping;

use super::{
    Check, Finding, Subject, at_rest,
    smoke::{judge_fact, judge_step},
};
use crate::observation::{Expiry, Observations};

pub(super) fn checks() -> Vec<Check> {
    let mut all = vec![
        before("ttl.before.api", "before.api", "the api still has an output just before its end"),
        before("ttl.before.link", "before.link", "an output's link still works just before its end"),
        status("ttl.api", "after.api", &[410], "the api says gone just after an output's end"),
        status(
            "ttl.link",
            "after.link",
            &[410],
            "the link is dead through the proxy just after an output's end",
        ),
        fact("ttl.list", "after.not_listed", "an output is not listed any more after its end"),
        gone("ttl.row", "row", |expiry| (expiry.row_was_there, expiry.row_gone_after)),
        gone("ttl.object", "object", |expiry| (expiry.object_was_there, expiry.object_gone_after)),
        at_rest::raw(),
    ];
    all.extend(links::checks());
    all.extend(sweeping::checks());
    all
}

pub(super) fn with_expiry(seen: &Observations, judge: impl FnOnce(&Expiry) -> Finding) -> Finding {
    match &seen.expiry.seen {
        Ok(expiry) => judge(expiry),
        Err(why) => Finding::Unknown(why.clone()),
    }
}

/// The step was asked and answered while the output was still to live; a machine too slow for that proves nothing.
fn before(id: &'static str, step: &'static str, claim: &'static str) -> Check {
    Check::new(id, Subject::Expiry, claim, "200", move |seen| {
        with_expiry(seen, |expiry| {
            judge_step(&expiry.story, step, |exchange, answer| match expiry.margin_before {
                Some(margin) => {
                    let told = format!("{} answered {}", exchange.request, answer.status);
                    Finding::judged(answer.status == 200, format!("{told} {} ms before", margin.as_millis()))
                }
                None => Finding::Unknown("the moment was over before it could be looked at".into()),
            })
        })
    })
}

fn status(id: &str, step: &str, right: &'static [u16], claim: &str) -> Check {
    let statuses: Vec<String> = right.iter().map(ToString::to_string).collect();
    let step = step.to_owned();
    Check::new(id, Subject::Expiry, claim, statuses.join(" or "), move |seen| {
        with_expiry(seen, |expiry| {
            if let Some((false, told)) = expiry.story.facts.get(&step) {
                return Finding::Fail(told.clone(), None);
            }
            judge_step(&expiry.story, &step, |exchange, answer| {
                let told = format!("{} answered {}", exchange.request, answer.status);
                Finding::judged(right.contains(&answer.status), told)
            })
        })
    })
}

fn fact(id: &'static str, fact: &'static str, claim: &'static str) -> Check {
    Check::new(id, Subject::Expiry, claim, "as claimed", move |seen| {
        with_expiry(seen, |expiry| judge_fact(&expiry.story, fact))
    })
}

fn gone(
    id: &'static str,
    what: &'static str,
    of: fn(&Expiry) -> (bool, Option<std::time::Duration>),
) -> Check {
    let claim = format!("an expired output's {what} is gone within the grace period");
    let expected = format!("the {what} is there before and gone after");
    Check::new(id, Subject::Expiry, claim, expected, move |seen| {
        with_expiry(seen, |expiry| match of(expiry) {
            (true, Some(after)) => Finding::Pass(format!("gone {} ms after expiry", after.as_millis())),
            (true, None) if expiry.story.broken.is_none() => Finding::Fail(
                "still there when the grace period was over".into(),
                Some("does the sweeper run?".into()),
            ),
            _ => {
                let not_there = || format!("the {what} was not seen before expiry");
                Finding::Unknown(expiry.story.broken.clone().unwrap_or_else(not_there))
            }
        })
    })
}
