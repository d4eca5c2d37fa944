//! `proxy.*`: what stands at the entrance keeps what it promises to people, and keeps operators' things to operators.

mod answers;
mod assets;
mod closed;
mod origin;
mod places;
mod replicas;
mod tls;

use stack::Stack;

use super::{Check, Finding, Subject, health::not_reached};
use crate::{
    observation::{Observations, Proxy, Row, Seen},
    probe::http::Answer,
};

/// So many failing rows of a matrix are named; more would hide the first.
const NAMED: usize = 3;

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    let mut all = tls::checks();
    all.extend(answers::checks());
    all.extend(closed::checks());
    all.extend(origin::checks());
    all.extend(places::checks(stack));
    all.extend(replicas::checks(stack));
    all.push(assets::check());
    all
}

/// A check of one part of what was seen.
fn of<T>(
    id: &str,
    claim: &str,
    expected: &str,
    part: impl Fn(&Proxy) -> &Seen<T> + Send + Sync + 'static,
    judge: impl Fn(&Proxy, &T) -> Finding + Send + Sync + 'static,
) -> Check {
    Check::new(id, Subject::Proxy, claim, expected, move |seen| {
        with_proxy(seen, |proxy| match part(proxy) {
            Ok(part) => judge(proxy, part),
            Err(why) => Finding::Unknown(why.clone()),
        })
    })
}

fn with_proxy(seen: &Observations, judge: impl FnOnce(&Proxy) -> Finding) -> Finding {
    match &seen.proxy.seen {
        Ok(proxy) => judge(proxy),
        Err(_) if seen.bring_up.failure.is_some() => Finding::Unknown(not_reached(seen)),
        Err(why) => Finding::Unknown(why.clone()),
    }
}

/// Holds every row of a matrix against a rule; those that break it are named.
pub(super) fn each<'a, R: AsRef<Row> + 'a>(
    rows: impl IntoIterator<Item = &'a R>,
    rule: impl Fn(&R, &Answer) -> Result<(), String>,
) -> Finding {
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows {
        count += 1;
        let Row { asked, answer } = row.as_ref();
        let kept = match answer {
            Ok(answer) => rule(row, answer),
            Err(why) => Err(format!("no answer ({why})")),
        };
        wrong.extend(kept.err().map(|told| format!("{asked}: {told}")));
    }
    if count == 0 {
        return Finding::Unknown("nothing was asked".into());
    }
    if wrong.is_empty() {
        return Finding::Pass(format!("all of {count} answers"));
    }
    let more = wrong.len().saturating_sub(NAMED);
    let told = wrong.into_iter().take(NAMED).collect::<Vec<_>>().join("; ");
    if more > 0 {
        return Finding::Fail(format!("{told}; and {more} more of {count}"), None);
    }
    Finding::Fail(told, None)
}

/// The values of every header of this name (lower case).
pub(super) fn values<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let headers = answer.headers.iter().filter(|(key, _)| key == name);
    headers.map(|(_, value)| value.as_str()).collect()
}

/// The one header of this name; none and several are an error.
pub(super) fn once<'a>(answer: &'a Answer, name: &str) -> Result<&'a str, String> {
    match values(answer, name)[..] {
        [value] => Ok(value),
        [] => Err(format!("{} without {name}", answer.status)),
        ref several => Err(format!("{} with {} times {name}", answer.status, several.len())),
    }
}
