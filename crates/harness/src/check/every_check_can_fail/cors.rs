//! `cors.*` on a sound stack, and the defects that each check is there for.

use stack::Stack;

use super::Defect;
use crate::{
    observation::{Cors, CorsOf, CorsRow, Observations, Preflight, Row},
    probe::http::Answer,
};

const ALLOWED: &str = "https://allowed.example";
const ELSEWHERE: &str = "https://elsewhere.example";

fn row(of: CorsOf, origin: &str, preflight: Option<&str>, headers: &[(&str, &str)]) -> CorsRow {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    CorsRow {
        row: Row {
            asked: format!("GET /{of:?} from `{origin}`"),
            answer: Ok(Answer { status: 200, headers, ..Answer::default() }),
        },
        origins: vec![origin.into()],
        of,
        preflight: preflight
            .map(|method| Preflight { method: method.into(), header: Some("authorization".into()) }),
    }
}

pub(super) fn green(_stack: &Stack) -> Cors {
    let leave = ("access-control-allow-origin", ALLOWED);
    let vary = ("vary", "origin");
    let asked = [
        leave,
        vary,
        ("access-control-allow-methods", "GET,POST,PUT,DELETE"),
        ("access-control-allow-headers", "authorization,content-type,idempotency-key"),
        ("access-control-max-age", "600"),
    ];
    Cors {
        allowed: vec![ALLOWED.into()],
        rows: vec![
            row(CorsOf::Api, ALLOWED, None, &[leave, vary]),
            row(CorsOf::Api, ALLOWED, Some("PUT"), &asked),
            row(CorsOf::Api, ELSEWHERE, None, &[vary]),
            row(CorsOf::Images, ELSEWHERE, None, &[]),
            row(CorsOf::Web, ALLOWED, None, &[]),
        ],
    }
}

pub(super) fn defects(_stack: &Stack) -> Vec<(String, Defect)> {
    let mut all: Vec<(String, Defect)> = Vec::new();
    let mut add = |id: &str, at: usize, name: &'static str, value: Option<&'static str>| {
        let defect = move |seen: &mut Observations| {
            let row = &mut seen.cors.seen.as_mut().unwrap().rows[at];
            let answer = row.row.answer.as_mut().unwrap();
            answer.headers.retain(|(key, _)| key != name);
            answer.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        };
        all.push((id.to_owned(), Box::new(defect)));
    };
    let (origin, methods) = ("access-control-allow-origin", "access-control-allow-methods");
    add("cors.allowed", 0, origin, None);
    add("cors.allowed", 1, origin, Some("*"));
    add("cors.refused", 2, origin, Some(ELSEWHERE));
    add("cors.refused", 0, origin, Some("*"));
    add("cors.refused", 3, origin, Some("null"));
    add("cors.credentials", 0, "access-control-allow-credentials", Some("true"));
    add("cors.vary", 2, "vary", Some("accept-encoding"));
    add("cors.methods", 1, methods, Some("GET,POST"));
    add("cors.methods", 1, methods, Some("GET,POST,PUT,DELETE,PATCH"));
    add("cors.headers", 1, "access-control-allow-headers", Some("content-type"));
    add("cors.headers", 1, "access-control-allow-headers", Some("*"));
    add("cors.max_age", 1, "access-control-max-age", Some("86400"));
    add("cors.web", 4, origin, Some(ALLOWED));
    all
}
