//! Requests that claim to have come another way than they did, or to another host.

use super::{Raw, Resident, Written, ask_all};
use crate::{
    dependencies::instances_of,
    observation::{Compared, Row, Seen},
    running::RunningStack,
};

/// A host that is none of ours. What an answer says of it was believed.
pub const ELSEWHERE: &str = "elsewhere.example";
/// An address that nobody has (RFC 5737).
pub const NOBODY: &str = "203.0.113.66";

/// What a client may claim about the way its request came.
fn claims() -> Vec<Vec<(&'static str, String)>> {
    let one = |name, value: &str| vec![(name, value.to_owned())];
    vec![
        one("x-forwarded-for", NOBODY),
        one("x-forwarded-for", &format!("127.0.0.1, {NOBODY}")),
        vec![("x-forwarded-for", NOBODY.into()), ("x-forwarded-for", NOBODY.into())],
        one("x-real-ip", NOBODY),
        one("true-client-ip", NOBODY),
        one("forwarded", &format!("for={NOBODY};host={ELSEWHERE};proto=http")),
        one("x-forwarded-host", ELSEWHERE),
        one("x-forwarded-server", ELSEWHERE),
        one("x-host", ELSEWHERE),
        one("x-forwarded-proto", "http"),
        one("x-forwarded-scheme", "http"),
        one("x-forwarded-port", "80"),
        one("x-forwarded-prefix", &format!("/{ELSEWHERE}")),
        one("x-original-host", ELSEWHERE),
    ]
}

/// The requests that are made: a list with links, a page, a redirect.
fn asked(resident: &Resident) -> Vec<Written> {
    let bearer = format!("Bearer {}", resident.person.token().unwrap_or_default());
    vec![
        Written::get("/api/v1/images").with("authorization", bearer),
        Written::get("/log-in"),
        Written::get("/gallery"),
    ]
}

/// Makes each request with each claim, and once without.
pub(super) async fn forwarded(running: &RunningStack, raw: &Raw, resident: &Resident) -> Seen<Vec<Compared>> {
    let mut all = Vec::new();
    for written in asked(resident) {
        let plain = raw.ask("forwarded.plain", &written).await.answer;
        let claiming = claims().into_iter().map(|claim| {
            let mut claiming = written.clone();
            claiming.headers.extend(claim.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            let told = claim.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>();
            (format!("GET {} with {}", written.target, told.join(", ")), claiming)
        });
        let rows = ask_all(raw, "forwarded", claiming).await.into_iter();
        all.extend(rows.map(|row| Compared { row, plain: plain.clone(), believed_by: Vec::new() }));
    }
    // The proxy itself logs what it was sent, whatever it makes of it.
    let mut believed_by = Vec::new();
    for instance in
        ["api", "web", "worker"].into_iter().flat_map(|service| instances_of(running.stack(), service))
    {
        let log = running.runner().logs(&instance, None).await.map_err(|error| error.to_string())?;
        if String::from_utf8_lossy(&log).contains(NOBODY) {
            believed_by.push(instance);
        }
    }
    for compared in &mut all {
        if compared.row.asked.contains(NOBODY) {
            compared.believed_by.clone_from(&believed_by);
        }
    }
    Ok(all)
}

/// Makes each request under foreign names, at both ports.
pub(super) async fn hosts(raw: &Raw, resident: &Resident) -> Vec<Row> {
    let foreign = [
        vec![ELSEWHERE.to_owned()],
        vec![format!("{ELSEWHERE}:8443")],
        vec![format!("{}.{ELSEWHERE}", raw.authority.split(':').next().unwrap_or_default())],
        vec![format!("{}@{ELSEWHERE}", raw.authority)],
        vec![raw.authority.clone(), ELSEWHERE.into()],
        vec![ELSEWHERE.into(), raw.authority.clone()],
    ];
    let mut all = Vec::new();
    for written in asked(resident) {
        let told = format!("GET {}", written.target);
        for hosts in &foreign {
            let mut under = written.clone();
            under.headers.extend(hosts.iter().map(|host| ("host".to_owned(), host.clone())));
            all.push((format!("{told} with host: {}", hosts.join(" and ")), under));
        }
        let target = format!("https://{ELSEWHERE}{}", written.target);
        all.push((format!("GET {target}"), Written { target: target.clone(), ..written.clone() }));
        let under = Written { target, ..written }.with("host", ELSEWHERE);
        all.push((format!("GET https://{ELSEWHERE} with host: {ELSEWHERE} ({told})"), under));
    }
    ask_all(raw, "host", all).await
}
