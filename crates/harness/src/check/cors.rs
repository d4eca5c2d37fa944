//! `cors.*`: pages of other origins may read what the definition allows them, and nobody else anything.

use stack::Stack;

use super::{
    Check, Finding, Subject,
    health::not_reached,
    proxy::{each, values},
};
use crate::{
    observation::{Cors, CorsOf, CorsRow},
    probe::http::Answer,
};

const ORIGIN: &str = "access-control-allow-origin";
const METHODS: &str = "access-control-allow-methods";
const HEADERS: &str = "access-control-allow-headers";
/// What the api has routes for, and what it reads of a request.
const RIGHT_METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
const RIGHT_HEADERS: [&str; 3] = ["authorization", "content-type", "idempotency-key"];
/// A browser may remember leave for ten minutes: what is taken away is then taken away soon.
const MAX_AGE_SECONDS: u64 = 600;

pub(super) fn checks(_stack: &Stack) -> Vec<Check> {
    vec![allowed(), refused(), credentials(), vary(), methods(), headers(), max_age(), web()]
}

fn of(
    id: &str,
    claim: &str,
    expected: impl Into<String>,
    judge: impl Fn(&Cors) -> Finding + Send + Sync + 'static,
) -> Check {
    Check::new(id, Subject::Cors, claim, expected, move |seen| match &seen.cors.seen {
        Ok(cors) => judge(cors),
        Err(_) if seen.bring_up.failure.is_some() => Finding::Unknown(not_reached(seen)),
        Err(why) => Finding::Unknown(why.clone()),
    })
}

impl CorsRow {
    /// The origin that this row names, where it names one and that one is allowed.
    fn allowed<'a>(&'a self, cors: &Cors) -> Option<&'a str> {
        match &self.origins[..] {
            [origin] if cors.allowed.contains(origin) => Some(origin),
            _ => None,
        }
    }
}

fn allowed() -> Check {
    let claim = "an allowed origin may read what the api answers, refusals included";
    of("cors.allowed", claim, "the origin itself in Access-Control-Allow-Origin", |cors| {
        if cors.allowed.is_empty() {
            return Finding::Skipped("the definition allows no other origin".into());
        }
        let rows = cors.rows.iter().filter(|row| row.of == CorsOf::Api && row.allowed(cors).is_some());
        each(rows, |row, answer| match values(answer, ORIGIN)[..] {
            [value] if Some(value) == row.allowed(cors) => Ok(()),
            [] => Err(format!("{} without leave", answer.status)),
            ref others => Err(format!("gives leave to `{}`", others.join("` and `"))),
        })
    })
}

fn refused() -> Check {
    let claim = "no other origin may read anything, however much it looks like an allowed one";
    of("cors.refused", claim, "no Access-Control-Allow-Origin, and never `*`", |cors| {
        let rows = cors.rows.iter().filter(|row| row.of != CorsOf::Web);
        each(rows, |row, answer| {
            // Who names several is no browser; leave for an allowed one of them is of use to nobody else.
            let right = |value: &&str| {
                row.origins.iter().any(|origin| origin == value)
                    && cors.allowed.iter().any(|origin| origin == value)
            };
            match values(answer, ORIGIN).iter().find(|value| !right(value)) {
                Some(value) => Err(format!("gives leave to `{value}`")),
                None => Ok(()),
            }
        })
    })
}

fn credentials() -> Check {
    let claim = "no page of another origin may use the cookies that a browser keeps";
    of("cors.credentials", claim, "no Access-Control-Allow-Credentials anywhere", |cors| {
        each(&cors.rows, |_, answer| match answer.header("access-control-allow-credentials") {
            Some(value) => Err(format!("says `{value}`")),
            None => Ok(()),
        })
    })
}

fn vary() -> Check {
    let claim = "no cache gives one origin what was answered to another";
    of("cors.vary", claim, "Origin in Vary on every answer of the api", |cors| {
        each(cors.rows.iter().filter(|row| row.of == CorsOf::Api), |_, answer| {
            let all = values(answer, "vary").join(",").to_ascii_lowercase();
            let varies = all.split(',').any(|name| matches!(name.trim(), "origin" | "*"));
            if varies { Ok(()) } else { Err(format!("{} with Vary `{all}`", answer.status)) }
        })
    })
}

/// Preflights of allowed origins at the api.
fn preflights(cors: &Cors) -> impl Iterator<Item = &CorsRow> {
    cors.rows
        .iter()
        .filter(|row| row.of == CorsOf::Api && row.preflight.is_some() && row.allowed(cors).is_some())
}

/// The words of a list in a header.
fn words(answer: &Answer, name: &str) -> Vec<String> {
    let all = values(answer, name).join(",");
    all.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

fn methods() -> Check {
    let claim = "an allowed origin may use the methods that the api has, and no others";
    of("cors.methods", claim, RIGHT_METHODS.join(", "), |cors| {
        each(preflights(cors), |row, answer| {
            let given = words(answer, METHODS);
            if let Some(other) = given.iter().find(|method| !RIGHT_METHODS.contains(&method.as_str())) {
                return Err(format!("gives leave for {other}"));
            }
            let wanted =
                row.preflight.as_ref().map(|preflight| preflight.method.as_str()).unwrap_or_default();
            let is_missing = RIGHT_METHODS.contains(&wanted) && !given.iter().any(|method| method == wanted);
            if is_missing { Err(format!("gives no leave for {wanted}")) } else { Ok(()) }
        })
    })
}

fn headers() -> Check {
    let claim = "an allowed origin may send the headers that the api reads, and no others";
    of("cors.headers", claim, RIGHT_HEADERS.join(", "), |cors| {
        each(preflights(cors), |row, answer| {
            let given: Vec<String> =
                words(answer, HEADERS).iter().map(|name| name.to_ascii_lowercase()).collect();
            if let Some(other) = given.iter().find(|name| !RIGHT_HEADERS.contains(&name.as_str())) {
                return Err(format!("gives leave for {other}"));
            }
            let wanted = row.preflight.as_ref().and_then(|preflight| preflight.header.as_deref());
            match wanted
                .filter(|wanted| RIGHT_HEADERS.contains(wanted) && !given.iter().any(|name| name == wanted))
            {
                Some(wanted) => Err(format!("gives no leave for {wanted}")),
                None => Ok(()),
            }
        })
    })
}

fn max_age() -> Check {
    let claim = "leave that is taken away is taken away soon";
    let expected = format!("Access-Control-Max-Age of at most {MAX_AGE_SECONDS}, or none");
    of("cors.max_age", claim, expected, |cors| {
        each(preflights(cors), |_, answer| match values(answer, "access-control-max-age")[..] {
            [] => Ok(()),
            [age] if age.parse::<u64>().is_ok_and(|age| age <= MAX_AGE_SECONDS) => Ok(()),
            ref ages => Err(format!("says `{}`", ages.join("`, `"))),
        })
    })
}

fn web() -> Check {
    let claim = "pages are for nobody but their own origin to read";
    of("cors.web", claim, "no Access-Control header on any page", |cors| {
        each(cors.rows.iter().filter(|row| row.of == CorsOf::Web), |_, answer| {
            let told = answer.headers.iter().find(|(name, _)| name.starts_with("access-control-"));
            told.map_or(Ok(()), |(name, value)| Err(format!("says {name}: {value}")))
        })
    })
}
