//! Every check is seen green on a sound stack and red on one that has the defect it is there for. The list of defects is
//! complete when no check is left that none of them turns red: a check that cannot fail is no check.

mod auth;
mod browser;
mod contract;
mod cors;
mod data;
mod hardening;
mod image;
mod inputs;
mod limits;
mod proxy;
mod sweeping;
mod ttl;

use std::{collections::BTreeSet, path::Path, time::Duration};

pub(crate) use contract::described;

use bytes::Bytes;
use serde_json::json;
use time::OffsetDateTime;

use super::*;
use crate::{
    canary::{Finding as Leak, Form},
    dependencies::{self, Dependency},
    observation::{Late, Outage, OutageSeenBy, Schema, Settle, Story, Surface, Timed},
    probe::http::{Answer, Exchange},
    runner::{BringUp, Phase, ServiceTiming, State, all_instances, service_of},
};

fn definition() -> Stack {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/compose.yaml");
    stack::read(&[file], &|_| None, &[]).unwrap()
}

pub(crate) fn answer(status: u16, kind: &str, body: impl Into<Bytes>) -> Answer {
    let headers = [("content-type", kind), ("x-content-type-options", "nosniff"), ("x-request-id", "r-1")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Answer { status, headers, body: body.into() }
}

pub(crate) fn json_answer(status: u16, body: &serde_json::Value) -> Answer {
    let kind = if status >= 400 { "application/problem+json" } else { "application/json" };
    answer(status, kind, body.to_string())
}

fn put(story: &mut Story, step: &str, answer: Answer) {
    let exchange = Exchange {
        step: step.into(),
        request: format!("GET /{step}"),
        duration: Duration::from_millis(5),
        answer: Ok(answer),
    };
    story.steps.insert(step.into(), exchange);
}

fn settle_of<'a>(seen: &'a mut Observations, instance: &str) -> &'a mut Settle {
    seen.settle.seen.as_mut().unwrap().get_mut(instance).unwrap()
}

fn answer_of<'a>(story: &'a mut Story, step: &str) -> &'a mut Answer {
    story.steps.get_mut(step).unwrap().answer.as_mut().unwrap()
}

fn smoke_story() -> Story {
    let mut story = Story::default();
    let refused =
        |status: u16| json_answer(status, &json!({ "status": status, "title": "no", "detail": "no" }));
    for (step, right) in smoke::steps() {
        put(&mut story, step, if right >= 400 { refused(right) } else { json_answer(right, &json!({})) });
    }
    put(&mut story, "login.unknown_user", refused(401));
    put(
        &mut story,
        "openapi",
        json_answer(200, &json!({ "openapi": "3.1.0", "paths": { "/v1/images": {} } })),
    );
    let link = "http://localhost:8080/images/1?expires=1&signature=s";
    put(&mut story, "list", json_answer(200, &json!({ "images": [{ "link": link }, { "link": link }] })));
    put(&mut story, "other.list", json_answer(200, &json!({ "images": [] })));
    put(&mut story, "link", answer(200, "image/jpeg", &b"\xff\xd8\xff\xe0"[..]));
    let description =
        json!({ "palette": [], "perceptual_hash": "", "blurhash": "", "width": 1, "height": 1 });
    for effect in ["halftone", "duotone"] {
        let job = json!({ "state": "done", "image": { "id": "1", "description": description } });
        put(&mut story, &format!("job.{effect}"), json_answer(200, &job));
    }
    for wrong in ["truncated", "bomb"] {
        put(&mut story, &format!("wrong.{wrong}"), json_answer(202, &json!({})));
        let job = json!({ "state": "failed", "failure": "the picture ends too early" });
        put(&mut story, &format!("wrong.{wrong}.job"), json_answer(200, &job));
    }
    for (_, fact) in smoke::facts() {
        story.fact(fact, true, "as claimed");
    }
    story
}

/// What a witness says at `/ready` while one of its dependencies, or none, is away.
fn ready(stack: &Stack, instance: &str, away: Option<&str>) -> Answer {
    let named = dependencies::of(stack, service_of(instance)).into_iter();
    let status = |name: &String| if Some(name.as_str()) == away { "down" } else { "up" };
    let named: serde_json::Map<_, _> =
        named.map(|name| (name.clone(), json!({ "status": status(&name) }))).collect();
    json_answer(if away.is_some() { 503 } else { 200 }, &json!({ "dependencies": named }))
}

fn witnesses(stack: &Stack) -> Vec<String> {
    let witnesses = dependencies::witnesses(stack).into_iter();
    witnesses.flat_map(|witness| dependencies::instances_of(stack, witness)).collect()
}

fn outage(stack: &Stack, dependency: &Dependency) -> Outage {
    let mut outage = Outage::default();
    for witness in dependency.instances(stack) {
        let answer = ready(stack, &witness, Some(&dependency.name));
        let seen = OutageSeenBy {
            red: Ok((answer, Duration::from_millis(80))),
            slowest: Duration::from_millis(40),
            health: Ok(json_answer(200, &json!({ "status": "ok" }))),
            recovered: Ok(Duration::from_millis(300)),
            same_process: true,
        };
        outage.seen_by.insert(witness, seen);
    }
    outage
}

fn timed<T>(seen: T) -> Timed<T> {
    Timed { seen: Ok(seen), took: Duration::from_millis(10) }
}

/// What a sound stack gives to see.
fn green(stack: &Stack) -> Observations {
    let mut bring_up = BringUp::default();
    let mut seen_states = std::collections::BTreeMap::new();
    let mut settle = std::collections::BTreeMap::new();
    let begin = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    let order: Vec<&str> = stack.start_order().into_iter().flatten().collect();
    for (index, instance) in all_instances(stack).into_iter().enumerate() {
        let place = order.iter().position(|name| *name == service_of(&instance)).unwrap_or(index);
        let started = begin + Duration::from_secs(10 * place as u64);
        let ready = started + Duration::from_secs(5);
        let oneshot = stack.services[service_of(&instance)].kind == stack::Kind::Oneshot;
        let timing =
            ServiceTiming { started_ms: Some(0), ready_ms: Some(5), ready_at: Some(ready), last_seen: None };
        bring_up.services.insert(instance.clone(), timing);
        let state = State {
            phase: if oneshot { Phase::Exited } else { Phase::Running },
            exit_code: oneshot.then_some(0),
            oom_killed: false,
            restarts: 0,
            started_at: Some(started),
            finished_at: oneshot.then_some(ready),
            health: None,
            error: None,
        };
        seen_states.insert(instance.clone(), Ok(state));
        if !oneshot {
            let health = Some("healthy".into());
            settle.insert(instance, Settle { looks: 16, ready: 16, health, ..Settle::default() });
        }
    }
    let mut seen = Observations::of_bring_up(bring_up, "");
    seen.states = seen_states;
    seen.settle = timed(settle);
    let health = || json_answer(200, &json!({ "status": "ok" }));
    let alive = || witnesses(stack).into_iter().map(|witness| (witness, Ok(health()))).collect();
    seen.live = alive();
    let all_up = witnesses(stack).into_iter().map(|witness| {
        let answer = ready(stack, &witness, None);
        (witness, Ok(answer))
    });
    seen.ready = all_up.collect();
    seen.schema = timed(Schema { applied: 1, unfinished: 0, built_with: 1 });
    seen.smoke = timed(smoke_story());
    seen.expiry = timed(ttl::green());
    seen.images = timed(image::green(stack));
    seen.hardening = timed(hardening::green(stack));
    seen.inputs = timed(inputs::green());
    seen.data = timed(data::green());
    seen.proxy = timed(proxy::green(stack));
    seen.sweeping = timed(sweeping::green());
    seen.replicas = timed(proxy::replicas());
    seen.cors = timed(cors::green(stack));
    seen.auth = timed(auth::green(stack));
    seen.limits = timed(limits::green(stack));
    seen.contract = timed(contract::green(stack));
    seen.browser = timed(browser::green(stack));
    let outages = dependencies::dependencies(stack).into_iter().map(|dependency| {
        let seen = timed(outage(stack, &dependency));
        (dependency.name, seen)
    });
    seen.outages = outages.collect();
    let accepted = dependencies::services(stack).into_iter().map(|dependency| {
        let by = dependency.instances(stack).into_iter().map(|witness| (witness, Ok(Duration::ZERO)));
        (dependency.name.clone(), by.collect())
    });
    seen.late = timed(Late {
        alive: alive(),
        accepted: accepted.collect(),
        restarts: witnesses(stack).into_iter().map(|witness| (witness, 0)).collect(),
    });
    seen.heard = std::iter::once(limits::heard()).chain(contract::heard()).collect();
    let surfaces = checks(stack).into_iter().filter(|check| check.subject == Subject::Surfaces);
    let surface = |check: Check| Surface {
        check: check.id,
        part: "all".into(),
        bytes: Ok(10),
        marker: true,
        findings: Vec::new(),
    };
    seen.surfaces = timed(surfaces.map(surface).chain(inputs::surfaces()).collect());
    seen
}

type Defect = Box<dyn Fn(&mut Observations)>;

/// For each check, how a stack looks that has the defect which the check is there for.
#[allow(clippy::too_many_lines)]
fn defects(stack: &Stack) -> Vec<(String, Defect)> {
    let mut all: Vec<(String, Defect)> = Vec::new();
    let mut add = |id: &str, defect: Defect| all.push((id.to_owned(), defect));
    for instance in all_instances(stack) {
        // One instance that is not well is enough for its service not to be.
        let service = service_of(&instance);
        let oneshot = stack.services[service].kind == stack::Kind::Oneshot;
        let name = instance.clone();
        let never_up: Defect = Box::new(move |seen| {
            let timing = seen.bring_up.services.get_mut(&name).unwrap();
            *timing =
                ServiceTiming { last_seen: Some("exited with code 1".into()), ..ServiceTiming::default() };
        });
        add(&format!("{}.{service}", if oneshot { "order.oneshot" } else { "health.ready" }), never_up);
        if !stack.services[service].depends_on.is_empty() {
            let name = instance.clone();
            let too_early: Defect = Box::new(move |seen| {
                let state = seen.states.get_mut(&name).unwrap().as_mut().unwrap();
                state.started_at = state.started_at.map(|moment| moment - Duration::from_secs(1000));
            });
            add(&format!("order.conditions.{service}"), too_early);
        }
        if !oneshot {
            let name = instance.clone();
            let flaps: Defect = Box::new(move |seen| settle_of(seen, &name).ready = 15);
            add(&format!("health.settled.{service}"), flaps);
            let name = instance.clone();
            let loops: Defect = Box::new(move |seen| settle_of(seen, &name).restarts = 1);
            add(&format!("health.settled.{service}"), loops);
            let name = instance.clone();
            let sick: Defect = Box::new(move |seen| {
                settle_of(seen, &name).health = Some("unhealthy".into());
            });
            add(&format!("health.declared.{service}"), sick);
        }
    }
    for witness in witnesses(stack) {
        let service = service_of(&witness).to_owned();
        let dependency = dependencies::of(stack, &service)[0].clone();
        let name = witness.clone();
        let names_a_dependency: Defect = Box::new(move |seen| {
            seen.live.insert(name.clone(), Ok(json_answer(200, &json!({ &dependency: "up" }))));
        });
        add(&format!("health.live.{service}"), names_a_dependency);
        let name = witness.clone();
        let forgets_one: Defect = Box::new(move |seen| {
            seen.ready.insert(name.clone(), Ok(json_answer(200, &json!({ "dependencies": {} }))));
        });
        add(&format!("health.names.{service}"), forgets_one);
    }
    for dependency in dependencies::dependencies(stack) {
        let name = dependency.name.clone();
        // The last: a check that looks only at the first instance of the first witness would not see it.
        let last = dependency.instances(stack).pop().unwrap();
        let seen_by_last = |change: fn(&mut OutageSeenBy)| -> Defect {
            let (name, last) = (name.clone(), last.clone());
            Box::new(move |seen| {
                let outage = seen.outages.get_mut(&name).unwrap().seen.as_mut().unwrap();
                change(outage.seen_by.get_mut(&last).unwrap());
            })
        };
        add(&format!("health.truth.{name}"), seen_by_last(|seen| seen.red = Err("not within 8 s".into())));
        add(&format!("health.truth.{name}"), seen_by_last(|seen| seen.slowest = Duration::from_secs(4)));
        let blames_nobody = json_answer(503, &json!({ "dependencies": {} }));
        let (outage, witness) = (name.clone(), last.clone());
        let blames_nobody: Defect = Box::new(move |seen| {
            let outage = seen.outages.get_mut(&outage).unwrap().seen.as_mut().unwrap();
            let red = Ok((blames_nobody.clone(), Duration::ZERO));
            outage.seen_by.get_mut(&witness).unwrap().red = red;
        });
        add(&format!("health.truth.{name}"), blames_nobody);
        add(
            &format!("health.liveness.{name}"),
            seen_by_last(|seen| seen.health = Ok(json_answer(503, &json!({})))),
        );
        add(&format!("health.recovery.{name}"), seen_by_last(|seen| seen.same_process = false));
    }
    for dependency in dependencies::services(stack) {
        let (name, last) = (dependency.name.clone(), dependency.instances(stack).pop().unwrap());
        let never_accepted: Defect = Box::new(move |seen| {
            let late = seen.late.seen.as_mut().unwrap();
            late.accepted.get_mut(&name).unwrap().insert(last.clone(), Err("not within 15 s".into()));
        });
        add(&format!("order.late.{}", dependency.name), never_accepted);
        let last = dependency.instances(stack).pop().unwrap();
        let restarted: Defect = Box::new(move |seen| {
            seen.late.seen.as_mut().unwrap().restarts.insert(last.clone(), 1);
        });
        add(&format!("order.late.{}", dependency.name), restarted);
    }
    add("order.migration", Box::new(|seen| seen.schema.seen.as_mut().unwrap().applied = 0));

    let in_smoke = |change: Box<dyn Fn(&mut Story)>| -> Defect {
        Box::new(move |seen| change(seen.smoke.seen.as_mut().unwrap()))
    };
    for (id, step) in smoke::ids() {
        add(id, in_smoke(Box::new(move |story| answer_of(story, step).status = 500)));
        let silent = move |story: &mut Story| story.steps.get_mut(step).unwrap().answer = Err("reset".into());
        add(id, in_smoke(Box::new(silent)));
    }
    for (id, fact) in smoke::facts() {
        add(id, in_smoke(Box::new(move |story| story.fact(fact, false, "otherwise"))));
    }
    for effect in ["halftone", "duotone"] {
        let failed = json_answer(200, &json!({ "state": "failed", "failure": "no" }));
        let step = format!("job.{effect}");
        let defect = move |story: &mut Story| put(story, &step, failed.clone());
        add(&format!("smoke.job.{effect}"), in_smoke(Box::new(defect)));
    }
    for wrong in ["truncated", "bomb"] {
        let done = json_answer(200, &json!({ "state": "done" }));
        let step = format!("wrong.{wrong}.job");
        add(
            &format!("smoke.wrong.{wrong}"),
            in_smoke(Box::new(move |story| put(story, &step, done.clone()))),
        );
    }
    let empty = || json_answer(200, &json!({ "images": [] }));
    let one = || json_answer(200, &json!({ "images": [{ "link": "l" }] }));
    add("smoke.list", in_smoke(Box::new(move |story| put(story, "list", empty()))));
    add("smoke.other.list", in_smoke(Box::new(move |story| put(story, "other.list", one()))));
    let html = || answer(200, "text/html", &b"\xff\xd8\xff\xe0"[..]);
    add("smoke.link.type", in_smoke(Box::new(move |story| put(story, "link", html()))));
    add(
        "smoke.openapi",
        in_smoke(Box::new(|story| {
            put(story, "openapi", json_answer(200, &json!({})));
        })),
    );
    let telling = || json_answer(401, &json!({ "status": 401, "title": "no", "detail": "no such user" }));
    let tells = move |story: &mut Story| put(story, "login.unknown_user", telling());
    add("smoke.login.enumeration", in_smoke(Box::new(tells)));
    add("smoke.request_id", in_smoke(Box::new(|story| answer_of(story, "list").headers.clear())));

    for check in checks(stack).into_iter().filter(|check| check.subject == Subject::Surfaces) {
        let id = check.id.clone();
        let leak: Defect = Box::new(move |seen| {
            let surfaces = seen.surfaces.seen.as_mut().unwrap();
            let surface = surfaces.iter_mut().find(|surface| surface.check == id).unwrap();
            surface.findings.push(Leak { canary: "redis_password".into(), form: Form::Hex, offset: 7 });
        });
        add(&check.id, leak);
    }
    all.extend(ttl::defects());
    all.extend(sweeping::defects());
    all.extend(inputs::defects());
    all.extend(data::defects());
    all.extend(image::defects());
    all.extend(hardening::defects());
    all.extend(proxy::defects(stack));
    all.extend(auth::defects(stack));
    all.extend(limits::defects(stack));
    all.extend(cors::defects(stack));
    all.extend(contract::defects(stack));
    all.extend(browser::defects(stack));
    all
}

fn outcomes(stack: &Stack, seen: &Observations) -> Vec<Verdict> {
    checks(stack).iter().map(|check| check.judge(seen)).collect()
}

#[test]
fn a_sound_stack_passes_every_check() {
    let stack = definition();
    let bad: Vec<_> = outcomes(&stack, &green(&stack))
        .into_iter()
        .filter(|verdict| verdict.verdict != Outcome::Pass)
        .collect();
    assert_eq!(bad, []);
}

#[test]
fn every_defect_fails_the_check_that_is_there_for_it() {
    let stack = definition();
    for (id, defect) in defects(&stack) {
        let mut seen = green(&stack);
        defect(&mut seen);
        let verdict = outcomes(&stack, &seen).into_iter().find(|verdict| verdict.check == id);
        let verdict = verdict.unwrap_or_else(|| panic!("no check is called {id}"));
        assert_eq!(verdict.verdict, Outcome::Fail, "{id}: {verdict:?}");
    }
}

#[test]
fn no_check_is_without_a_defect_that_fails_it() {
    let stack = definition();
    let with: BTreeSet<String> = defects(&stack).into_iter().map(|(id, _)| id).collect();
    let without: Vec<String> =
        checks(&stack).into_iter().map(|check| check.id).filter(|id| !with.contains(id)).collect();
    assert_eq!(without, Vec::<String>::new(), "add a defect for each of these");
}

#[test]
fn what_was_not_looked_at_is_never_a_pass() {
    let stack = definition();
    let seen = Observations::of_bring_up(BringUp::default(), "the network was down");
    let passed: Vec<_> =
        outcomes(&stack, &seen).into_iter().filter(|verdict| verdict.verdict == Outcome::Pass).collect();
    assert_eq!(passed, []);
}

#[test]
fn a_surface_whose_collector_did_not_prove_itself_is_unknown() {
    let stack = definition();
    let mut seen = green(&stack);
    for surface in seen.surfaces.seen.as_mut().unwrap() {
        surface.marker = false;
    }
    let of_secrets =
        outcomes(&stack, &seen).into_iter().filter(|verdict| verdict.check.starts_with("secrets."));
    assert!(of_secrets.map(|verdict| verdict.verdict).all(|outcome| outcome == Outcome::Unknown));
}
