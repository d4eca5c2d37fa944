//! `contract.*` on a sound stack, and the defects that each check is there for. The sound stack has the repository's own
//! definition and its own `.env.example`: whoever lets them drift apart sees it in these tests, before any gate.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use stack::Stack;

use super::{Defect, answer, json_answer};
use crate::{
    observation::{Contract, Environment, Fuzz, GivenAndRead, Observations, Setting, Tried},
    probe::{
        contract::environment,
        http::{Answer, Exchange},
    },
};

/// A small `OpenAPI` document of the same make as the api's own.
pub(crate) fn described() -> Value {
    let problem = json!({ "description": "", "content": { "application/problem+json": {
        "schema": { "$ref": "#/components/schemas/Problem" } } } });
    let image = json!({ "description": "", "content": { "application/json": {
        "schema": { "$ref": "#/components/schemas/Image" } } } });
    json!({
        "openapi": "3.1.0",
        "info": { "title": "an api", "version": "1" },
        "paths": {
            "/v1/images/{id}": {
                "get": { "responses": { "200": image, "404": { "$ref": "#/components/responses/Missing" } } },
                "delete": { "responses": { "204": { "description": "" }, "404": problem } },
            },
            "/v1/sessions/{id}": { "get": { "responses": { "default": problem } } },
            "/v1/sessions/current": { "get": { "responses": { "429": problem } } },
            "/images/{id}": { "get": { "responses": { "200": { "description": "", "content": { "image/*": {} } } } } },
        },
        "components": {
            "responses": { "Missing": problem },
            "schemas": {
                "Problem": { "type": "object", "properties": { "status": { "type": "integer" } }, "required": ["status"] },
                "Image": {
                    "type": "object",
                    "properties": { "id": { "type": "string" }, "size_bytes": { "type": "integer" } },
                    "required": ["id", "size_bytes"],
                },
            },
        },
    })
}

fn exchange(request: &str, answer: Answer) -> Exchange {
    Exchange { step: "a step".into(), request: request.into(), duration: Duration::ZERO, answer: Ok(answer) }
}

/// What clients of a sound stack heard: each operation at least once.
pub(super) fn heard() -> Vec<Exchange> {
    let problem = |status: u16| json_answer(status, &json!({ "status": status }));
    vec![
        exchange("GET /api/v1/images/7", json_answer(200, &json!({ "id": "7", "size_bytes": 1 }))),
        exchange("GET /v1/images/8", problem(404)),
        exchange("DELETE /api/v1/images/7", Answer { status: 204, ..Answer::default() }),
        exchange("GET /api/v1/sessions/7", problem(401)),
        exchange("GET /images/7", answer(200, "image/png", "x")),
        exchange("GET /api/v1/nothing-here", problem(404)),
    ]
}

pub(super) fn green(stack: &Stack) -> Contract {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let mut environment = environment::read(repository, &stack.files).unwrap();
    for (name, service) in &stack.services {
        let given: std::collections::BTreeSet<String> = service.environment.keys().cloned().collect();
        let names = GivenAndRead { read: given.clone(), given };
        let ours = service.environment.contains_key("DEPLOYMENT_ENVIRONMENT");
        environment.services.insert(name.clone(), ours.then_some(Ok(names)));
    }
    environment.tracked = Some(Ok(Vec::new()));
    Contract {
        environment: Ok(environment),
        document: Ok(described()),
        made_up: [("/api/v1/nothing-here".to_owned(), Ok(404))].into(),
        fuzz: Ok(Tried::Fuzzed(fuzz())),
    }
}

fn fuzz() -> Fuzz {
    Fuzz { seed: 7, cases: 300, tried: (14, 14), ..Fuzz::default() }
}

fn of(change: impl Fn(&mut Contract) + 'static) -> Defect {
    Box::new(move |seen: &mut Observations| change(seen.contract.seen.as_mut().unwrap()))
}

fn env(change: impl Fn(&mut Environment) + 'static) -> Defect {
    of(move |contract| change(contract.environment.as_mut().unwrap()))
}

fn setting(name: &str, default: &str) -> Setting {
    Setting { name: name.into(), default: default.into(), place: "overlay.yaml:1".into(), explained: true }
}

fn api(change: impl Fn(&mut GivenAndRead) + 'static) -> Defect {
    env(move |seen| change(seen.services.get_mut("api").unwrap().as_mut().unwrap().as_mut().unwrap()))
}

fn also_heard(request: &'static str, answer: Answer) -> Defect {
    Box::new(move |seen| seen.heard.push(exchange(request, answer.clone())))
}

pub(super) fn defects(_stack: &Stack) -> Vec<(String, Defect)> {
    let all: Vec<(&str, Defect)> = vec![
        ("env.documented", env(|seen| seen.taken.push(setting("NEW", "1")))),
        ("env.documented", env(|seen| seen.example[0].default = "another".into())),
        ("env.documented", env(|seen| seen.example[0].explained = false)),
        ("env.used", env(|seen| seen.example.push(setting("OLD", "1")))),
        ("env.read", api(|names| names.given.extend(["MISSPELT_SECONDS".into()]))),
        ("env.offered", api(|names| names.read.extend(["HIDDEN".into()]))),
        ("env.defaults", env(|seen| seen.taken.push(setting("REDIS_PASSWORD", "changeme")))),
        ("env.defaults", env(|seen| seen.by_default.push(setting("A_URL", "redis://:hunter2hunter2@redis")))),
        ("env.tracked", env(|seen| seen.tracked = Some(Ok(vec!["compose/.env".into()])))),
        ("openapi.answers", also_heard("GET /api/v1/images/9", json_answer(403, &json!({ "status": 403 })))),
        ("openapi.answers", also_heard("GET /api/v1/images/9", json_answer(200, &json!({ "id": "9" })))),
        ("openapi.answers", also_heard("GET /images/9", answer(200, "text/html", "x"))),
        ("openapi.routes", of(|seen| drop(seen.made_up.insert("/api/v1/debug".into(), Ok(200))))),
        (
            "openapi.routes",
            Box::new(|seen| seen.heard.retain(|exchange| !exchange.request.starts_with("DELETE"))),
        ),
        ("openapi.problems", also_heard("GET /api/v1/images/9", answer(404, "text/plain", "not found"))),
        ("openapi.problems", also_heard("PUT /api/v1/images/9", json_answer(405, &json!({ "status": 404 })))),
        (
            "openapi.fuzz",
            of(|seen| {
                let found = vec!["Server error (GET /v1/images)".to_owned()];
                seen.fuzz = Ok(Tried::Fuzzed(Fuzz { found, ..fuzz() }));
            }),
        ),
    ];
    all.into_iter().map(|(name, defect)| (format!("contract.{name}"), defect)).collect()
}

#[test]
fn without_a_fuzzer_its_check_is_skipped_and_says_how_to_get_one() {
    let stack = super::definition();
    let mut seen = super::green(&stack);
    seen.contract.seen.as_mut().unwrap().fuzz = Ok(Tried::Without("`make bootstrap` installs it".into()));
    let verdicts = super::outcomes(&stack, &seen);
    let verdict = verdicts.into_iter().find(|verdict| verdict.check == "contract.openapi.fuzz").unwrap();
    assert_eq!(verdict.verdict, crate::verdict::Outcome::Skipped);
    assert!(verdict.reason.unwrap().contains("make bootstrap"));
}
