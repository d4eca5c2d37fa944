//! `limits.*`: who asks for too much is refused, kindly, and nobody else is.

mod flood;

use std::time::Duration;

use flood::{exhausted, if_refused, quota, served, spoofed};
use stack::Stack;

use super::{
    Check, Finding, Subject,
    smoke::{judge_fact, judge_step},
};
use crate::observation::{Limits, Observations, Seen};

/// Steps of the story that send a body which is too long.
pub(in crate::check) const BODIES: [&str; 5] =
    ["body.json", "body.json_unannounced", "body.form", "body.proxy", "body.upload"];
pub(super) fn checks(_stack: &Stack) -> Vec<Check> {
    let mut all = of_clients();
    all.extend(of_accounts());
    all.extend(of_manners());
    all.extend(of_sizes());
    all
}

fn of_clients() -> Vec<Check> {
    vec![
        limits("client", "a client that asks without a pause is refused", AS_DEFINED, |seen| {
            with(&seen.client, exhausted)
        }),
        limits(
            "client.apart",
            "while one client is refused, others are served",
            "a second client and the harness are never refused",
            |seen| with(&seen.client, |flood| if_refused(flood, || with(&seen.apart, served))),
        ),
        limits(
            "client.spoofed",
            "whoever claims in a header to be somebody else gets no room for that, and takes none of theirs",
            "refused whatever the header says, and whoever was named is served",
            |seen| {
                with(&seen.client, |flood| {
                    if_refused(flood, || {
                        with(&seen.spoofed, |claims| {
                            with(&seen.spoofed_victim, |victim| spoofed(claims, victim))
                        })
                    })
                })
            },
        ),
        limits(
            "client.replicas",
            "all replicas of the api count together",
            "no more than one limit for all of them",
            |seen| with(&seen.replicas, exhausted),
        ),
    ]
}

fn of_accounts() -> Vec<Check> {
    vec![
        limits(
            "account",
            "an account has one limit from wherever it asks, and another account has its own",
            "refused as the definition says, and the other account is served",
            |seen| with(&seen.account, |flood| both(exhausted(flood), || with(&seen.account_apart, served))),
        ),
        limits(
            "logins",
            "guessing a password comes to an end, even if the last guess is right",
            "refused as the definition says, the right password too; after Retry-After it is let in",
            |seen| {
                with(&seen.logins, |flood| {
                    let right = || answered(seen, "logins.right_password", 429);
                    both(exhausted(flood), || both(right(), || answered(seen, "logins.after_waiting", 201)))
                })
            },
        ),
        limits(
            "logins.victim",
            "whose password is guessed by others can still log in from elsewhere",
            "201",
            |seen| with(&seen.logins, |flood| if_refused(flood, || answered(seen, "logins.victim", 201))),
        ),
        limits("uploads", "an account that uploads without a pause is refused", AS_DEFINED, |seen| {
            with(&seen.uploads, exhausted)
        }),
        limits(
            "uploads.at_once",
            "an account may have two uploads under way, and a third is refused",
            "two taken, 429 for the third",
            |seen| {
                let two =
                    both(answered(seen, "uploads.first", 202), || answered(seen, "uploads.second", 202));
                both(two, || answered(seen, "uploads.third", 429))
            },
        ),
        limits(
            "quota",
            "an account has no more pictures than its quota, and room again once one is deleted",
            "as many as the definition says, then 429; one more after a deletion",
            |seen| {
                with(&seen.quota, |flood| both(quota(flood), || answered(seen, "quota.after_delete", 202)))
            },
        ),
    ]
}

fn of_manners() -> Vec<Check> {
    let expected = "Retry-After in whole seconds from 1 to the window, on every 429 and 503 of the run";
    let claim = "every refusal for now says when to come back";
    let retry_after = Check::new("limits.retry_after", Subject::Limits, claim, expected, |seen| {
        with(&seen.limits.seen, |limits| retry_after(seen, limits.window))
    });
    vec![
        retry_after,
        limits(
            "retry_after.waiting",
            "who waits as long as the refusal said is served",
            "429, and another answer after Retry-After",
            |seen| {
                both(answered(seen, "client.refused", 429), || {
                    judge_step(&seen.story, "client.after_waiting", |exchange, answer| {
                        let told = format!("{} answered {}", exchange.request, answer.status);
                        Finding::judged(answer.status < 500 && answer.status != 429, told)
                    })
                })
            },
        ),
        limits(
            "web",
            "a person with a browser is told kindly that it was too much",
            "a page with 429 and Retry-After",
            |seen| {
                judge_step(&seen.story, "web.gallery", |exchange, answer| {
                    let kind = answer.header("content-type").unwrap_or("no content type");
                    let retry = answer.header("retry-after");
                    let told = format!(
                        "{} answered {} as {kind}, Retry-After {}",
                        exchange.request,
                        answer.status,
                        retry.unwrap_or("missing")
                    );
                    let page = kind.starts_with("text/html") && !answer.body.is_empty();
                    Finding::judged(answer.status == 429 && page && retry.is_some(), told)
                })
            },
        ),
    ]
}

fn of_sizes() -> Vec<Check> {
    vec![
        limits(
            "body",
            "a body that is too long is refused with an answer, and the connection is not cut",
            "413 for JSON, with and without an announced length, for a form, for an upload, and at the proxy",
            |seen| {
                BODIES.iter().fold(Finding::Pass("413 for all".into()), |sofar, step| {
                    both(sofar, || answered(seen, step, 413))
                })
            },
        ),
        limits(
            "headers",
            "headers that are too long are refused, and usual ones are not",
            "431 or 400, and 200",
            |seen| both(judge_fact(&seen.story, "headers.long"), || judge_fact(&seen.story, "headers.short")),
        ),
        limits(
            "slow",
            "who sends a request byte by byte is cut off, and others are served meanwhile",
            "cut after 5 s for a header at the entrance, 15 s for a JSON body at the api, or at most 3 s later",
            slow,
        ),
        limits(
            "concurrency",
            "many who ask at once are each given an answer",
            "2xx, 429 or 503 with Retry-After, and nothing else",
            |seen| {
                with(&seen.at_once, |tally| {
                    let expected = |status: &u16| (200..300).contains(status) || [429, 503].contains(status);
                    let right = tally.statuses.keys().all(expected)
                        && tally.silent.is_empty()
                        && tally.without_retry_after == 0;
                    Finding::judged(right && tally.all() > 0, tally.to_string())
                })
            },
        ),
    ]
}

const AS_DEFINED: &str = "as many as the definition allows are let through, and then 429";

fn limits(
    name: &str,
    claim: &str,
    expected: &str,
    judge: impl Fn(&Limits) -> Finding + Send + Sync + 'static,
) -> Check {
    Check::new(format!("limits.{name}"), Subject::Limits, claim, expected, move |seen: &Observations| {
        with(&seen.limits.seen, &judge)
    })
}

fn with<T>(seen: &Seen<T>, judge: impl FnOnce(&T) -> Finding) -> Finding {
    match seen {
        Ok(seen) => judge(seen),
        Err(why) => Finding::Unknown(why.clone()),
    }
}

/// The first finding that is no pass; both are told when both pass.
fn both(one: Finding, other: impl FnOnce() -> Finding) -> Finding {
    match (one, other) {
        (Finding::Pass(one), other) => match other() {
            Finding::Pass(other) if other == one => Finding::Pass(one),
            Finding::Pass(other) => Finding::Pass(format!("{one}; {other}")),
            other => other,
        },
        (one, _) => one,
    }
}

/// A step's status.
fn answered(seen: &Limits, step: &str, right: u16) -> Finding {
    judge_step(&seen.story, step, |exchange, answer| {
        let told = format!("{} answered {} ({step})", exchange.request, answer.status);
        Finding::judged(answer.status == right, told)
    })
}

fn slow(seen: &Limits) -> Finding {
    let mut told = Vec::new();
    for (what, seen) in &seen.slow {
        let slow = match seen {
            Ok(slow) => slow,
            Err(why) => return Finding::Unknown(format!("{what}: {why}")),
        };
        let Some(after) = slow.cut_after else {
            let bound = slow.bound.as_secs();
            return Finding::Fail(format!("a slow {what} was still being waited for after {bound} s"), None);
        };
        let status = slow.told.map_or(String::new(), |status| format!(" with {status}"));
        told.push(format!("a slow {what} was cut after {:.1} s{status}", after.as_secs_f64()));
    }
    if told.is_empty() {
        return Finding::Unknown("no slow connection was seen".into());
    }
    both(Finding::Pass(told.join(", ")), || with(&seen.slow_apart, served))
}

fn retry_after(seen: &Observations, window: Duration) -> Finding {
    let answers = seen.heard.iter().filter_map(|exchange| Some((exchange, exchange.answer.as_ref().ok()?)));
    let refusals: Vec<_> = answers.filter(|(_, answer)| matches!(answer.status, 429 | 503)).collect();
    if refusals.is_empty() {
        return Finding::Unknown("nobody was refused in this run".into());
    }
    let longest = window.as_secs();
    let wrong = refusals.iter().find_map(|(exchange, answer)| {
        let said = answer.header("retry-after");
        let seconds: Option<u64> = said.and_then(|said| said.parse().ok());
        let right = seconds.is_some_and(|seconds| (1..=longest).contains(&seconds));
        let said = said.unwrap_or("missing");
        (!right).then(|| format!("{} answered {}, Retry-After: {said}", exchange.request, answer.status))
    });
    match wrong {
        Some(wrong) => Finding::Fail(wrong, None),
        None => Finding::Pass(format!("{} refusals, each with 1 to {longest} s", refusals.len())),
    }
}
