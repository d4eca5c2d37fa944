//! `limits.*` on a sound stack, and the defects that each check is there for.

use std::time::Duration;

use stack::Stack;

use super::{Defect, answer, answer_of, json_answer, put};
use crate::{
    check::limits::BODIES,
    observation::{Flood, Limits, Observations, Slow, Story, Tally},
    probe::http::{Answer, Exchange},
};

const WINDOW: Duration = Duration::from_mins(1);

fn tally(statuses: &[(u16, u64)]) -> Tally {
    Tally { statuses: statuses.iter().copied().collect(), ..Tally::default() }
}

fn flood(setting: &str, limit: u64, status: u16) -> Flood {
    let answers = tally(&[(status, limit + 3), (429, 40)]);
    Flood { setting: setting.into(), limit, window: WINDOW, took: Duration::from_secs(2), answers }
}

fn refusal() -> Answer {
    let mut refusal = json_answer(429, &serde_json::json!({ "status": 429 }));
    refusal.headers.push(("retry-after".into(), "1".into()));
    refusal
}

fn story() -> Story {
    let mut story = Story::default();
    let right = [
        ("client.after_waiting", 401),
        ("logins.victim", 201),
        ("logins.after_waiting", 201),
        ("uploads.first", 202),
        ("uploads.second", 202),
        ("quota.after_delete", 202),
    ];
    for (step, status) in right.into_iter().chain(BODIES.map(|step| (step, 413))) {
        put(&mut story, step, json_answer(status, &serde_json::json!({})));
    }
    for step in ["client.refused", "logins.right_password", "uploads.third"] {
        put(&mut story, step, refusal());
    }
    let mut page = answer(429, "text/html; charset=utf-8", "<h1>Too much</h1>");
    page.headers.push(("retry-after".into(), "1".into()));
    put(&mut story, "web.gallery", page);
    story.fact("headers.long", true, "431");
    story.fact("headers.short", true, "200");
    story
}

pub(super) fn green(_stack: &Stack) -> Limits {
    let cut = |seconds: u64| Slow {
        cut_after: Some(Duration::from_secs(seconds)),
        bound: Duration::from_secs(seconds + 3),
        told: None,
    };
    Limits {
        window: WINDOW,
        client: Ok(flood("RATE_LIMIT_CLIENT_REQUESTS", 1500, 401)),
        apart: Ok(tally(&[(401, 9)])),
        spoofed: Ok(Flood {
            took: Duration::from_millis(300),
            answers: tally(&[(401, 7), (429, 143)]),
            ..flood("RATE_LIMIT_CLIENT_REQUESTS", 1500, 401)
        }),
        spoofed_victim: Ok(tally(&[(401, 2)])),
        replicas: Ok(flood("RATE_LIMIT_CLIENT_REQUESTS", 1500, 401)),
        account: Ok(flood("RATE_LIMIT_ACCOUNT_REQUESTS", 600, 200)),
        account_apart: Ok(tally(&[(200, 9)])),
        logins: Ok(flood("RATE_LIMIT_LOGINS", 30, 401)),
        uploads: Ok(flood("RATE_LIMIT_UPLOADS", 40, 415)),
        quota: Ok(Flood { answers: tally(&[(202, 15), (429, 2)]), ..flood("UPLOAD_QUOTA_IMAGES", 15, 202) }),
        story: story(),
        at_once: Ok(tally(&[(200, 500), (429, 100)])),
        slow: [("body", 10), ("header", 5)].map(|(what, after)| (what.to_owned(), Ok(cut(after)))).into(),
        slow_apart: Ok(tally(&[(200, 60)])),
    }
}

/// What clients of a sound stack heard: one refusal, among others.
pub(super) fn heard() -> Exchange {
    let request = "GET /api/v1/sessions/current".into();
    Exchange { step: "limits.client".into(), request, duration: Duration::ZERO, answer: Ok(refusal()) }
}

fn of(change: impl Fn(&mut Limits) + 'static) -> Defect {
    Box::new(move |seen: &mut Observations| change(seen.limits.seen.as_mut().unwrap()))
}

fn answered(step: &'static str, status: u16) -> Defect {
    of(move |limits| answer_of(&mut limits.story, step).status = status)
}

pub(super) fn defects(_stack: &Stack) -> Vec<(String, Defect)> {
    let never = |flood: &mut Flood| flood.answers = tally(&[(401, flood.limit * 3 / 2)]);
    let twice = |flood: &mut Flood| flood.answers = tally(&[(401, flood.limit * 2), (429, 40)]);
    let early = |flood: &mut Flood| flood.answers = tally(&[(401, flood.limit / 2), (429, 40)]);
    let reset = |tally: &mut Tally| *tally.silent.entry("connection reset".into()).or_default() += 1;
    let mut all: Vec<(&str, Defect)> = vec![
        ("client", of(move |limits| never(limits.client.as_mut().unwrap()))),
        ("client", of(move |limits| early(limits.client.as_mut().unwrap()))),
        ("client", of(move |limits| reset(&mut limits.client.as_mut().unwrap().answers))),
        ("client", of(|limits| limits.client.as_mut().unwrap().limit = 0)),
        ("client.apart", of(|limits| limits.apart = Ok(tally(&[(401, 8), (429, 1)])))),
        ("client.spoofed", of(|limits| limits.spoofed.as_mut().unwrap().answers = tally(&[(401, 150)]))),
        ("client.spoofed", of(|limits| limits.spoofed_victim = Ok(tally(&[(429, 2)])))),
        ("client.replicas", of(move |limits| twice(limits.replicas.as_mut().unwrap()))),
        ("account", of(move |limits| twice(limits.account.as_mut().unwrap()))),
        ("account", of(|limits| limits.account_apart = Ok(tally(&[(429, 1)])))),
        ("logins", of(move |limits| never(limits.logins.as_mut().unwrap()))),
        ("logins", answered("logins.right_password", 201)),
        ("logins", answered("logins.after_waiting", 429)),
        ("logins.victim", answered("logins.victim", 429)),
        ("uploads", of(move |limits| never(limits.uploads.as_mut().unwrap()))),
        ("uploads.at_once", answered("uploads.third", 415)),
        ("uploads.at_once", answered("uploads.second", 429)),
        ("quota", of(|limits| limits.quota.as_mut().unwrap().answers = tally(&[(202, 17)]))),
        ("quota", answered("quota.after_delete", 429)),
        ("retry_after.waiting", answered("client.after_waiting", 429)),
        ("web", answered("web.gallery", 500)),
        (
            "web",
            of(|limits| {
                answer_of(&mut limits.story, "web.gallery").headers.retain(|(name, _)| name != "retry-after");
            }),
        ),
        ("headers", of(|limits| limits.story.fact("headers.long", false, "200"))),
        ("headers", of(|limits| limits.story.fact("headers.short", false, "431"))),
        ("slow", of(|limits| limits.slow.get_mut("header").unwrap().as_mut().unwrap().cut_after = None)),
        ("slow", of(|limits| limits.slow_apart = Ok(tally(&[(200, 3), (502, 1)])))),
        ("concurrency", of(|limits| limits.at_once = Ok(tally(&[(200, 500), (502, 1)])))),
        ("concurrency", of(|limits| limits.at_once.as_mut().unwrap().without_retry_after = 1)),
        ("concurrency", of(move |limits| reset(limits.at_once.as_mut().unwrap()))),
    ];
    all.extend(BODIES.map(|step| ("body", answered(step, 200))));
    for (name, value) in
        [("Retry-After", "1"), ("retry-after", "0"), ("retry-after", "61"), ("retry-after", "soon")]
    {
        let defect: Defect = Box::new(move |seen| {
            for exchange in &mut seen.heard {
                let headers = &mut exchange.answer.as_mut().unwrap().headers;
                headers.retain(|(name, _)| name != "retry-after");
                headers.push((name.to_owned(), value.to_owned()));
            }
        });
        all.push(("retry_after", defect));
    }
    all.into_iter().map(|(name, defect)| (format!("limits.{name}"), defect)).collect()
}

#[test]
fn a_machine_too_slow_to_meet_a_limit_cannot_tell() {
    let stack = super::definition();
    let mut seen = super::green(&stack);
    let slow = seen.limits.seen.as_mut().unwrap().client.as_mut().unwrap();
    slow.answers = tally(&[(401, 400)]);
    slow.took = Duration::from_secs(20);
    let verdicts = super::outcomes(&stack, &seen);
    for id in ["limits.client", "limits.client.apart", "limits.client.spoofed"] {
        let verdict = verdicts.iter().find(|verdict| verdict.check == id).unwrap();
        assert_eq!(verdict.verdict, crate::verdict::Outcome::Unknown, "{verdict:?}");
    }
}
