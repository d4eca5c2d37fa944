//! What people are told of an output of which half was removed behind the services' back.

use super::{Check, Finding, Subject, with};
use crate::{observation::Observations, probe::http::Exchange};

pub(super) fn checks() -> Vec<Check> {
    let gone = "a link that answers 410, and no answer of 500 or more";
    vec![
        Check::new(
            "data.behind.object",
            Subject::Data,
            "an output whose object somebody removed is gone for whoever has its link, and nothing about it is an error",
            gone,
            |seen| with(seen, |data| &data.behind, |behind| answers(&behind.object)),
        ),
        Check::new(
            "data.behind.row",
            Subject::Data,
            "an output whose row somebody removed is gone for whoever has its link, and nothing about it is an error",
            gone,
            |seen| with(seen, |data| &data.behind, |behind| answers(&behind.row)),
        ),
        Check::new(
            "data.behind.orphan",
            Subject::Data,
            "an object whose row somebody removed does not stay",
            "it was there, and is gone 45 s after the jobs of that time at the latest",
            orphan,
        ),
    ]
}

fn answers(asked: &[Exchange]) -> Finding {
    let is_link =
        |exchange: &Exchange| exchange.step.rsplit_once('.').is_some_and(|(_, asked)| asked == "link");
    if let Some(silent) = asked.iter().find(|exchange| exchange.status().is_none()) {
        return Finding::Unknown(format!("{} had {}", silent.request, silent.outcome()));
    }
    if !asked.iter().any(is_link) {
        return Finding::Unknown("nobody followed its link".into());
    }
    let wrong = asked.iter().filter(|exchange| match exchange.status() {
        Some(status) if is_link(exchange) => status != 410,
        Some(status) => status >= 500,
        None => true,
    });
    // Without the signature of the link, which is a secret.
    let told = |exchange: &Exchange| {
        let asked = exchange.step.rsplit('.').next().unwrap_or_default();
        format!("its {asked} answered {}", exchange.outcome())
    };
    let wrong: Vec<String> = wrong.map(told).collect();
    if wrong.is_empty() {
        return Finding::Pass(asked.iter().map(told).collect::<Vec<_>>().join(", "));
    }
    Finding::Fail(wrong.join("; "), None)
}

fn orphan(seen: &Observations) -> Finding {
    with(
        seen,
        |data| &data.behind,
        |behind| {
            if !behind.orphan_was_there {
                return Finding::Unknown("its object was not seen while it had its row".into());
            }
            with(
                seen,
                |data| &data.settled,
                |agreement| {
                    let is_there = agreement.without_row.contains(&behind.orphan);
                    let told = if is_there { "still there" } else { "gone" };
                    Finding::judged(!is_there, format!("object {} is {told}", behind.orphan))
                },
            )
        },
    )
}
