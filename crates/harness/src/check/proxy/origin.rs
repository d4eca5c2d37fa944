//! Requests' ids, and what a request claims of the way it came.

use super::{Check, each, of, once, values};
use crate::{
    observation::{Compared, Identified, Row},
    probe::{
        http::Answer,
        proxy::{ELSEWHERE, NOBODY},
    },
};

/// An id that can stand in a header, a log and a file's name: 8 to 128 of letters, digits, `-` and `_`.
fn is_sane(id: &str) -> bool {
    (8..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

pub(super) fn checks() -> Vec<Check> {
    vec![request_id(), logged(), forwarded(), host()]
}

fn request_id() -> Check {
    let claim = "every request has an id of its own, and none that somebody could do harm with";
    let expected =
        "one X-Request-Id: made when absent, passed on or replaced when sane, replaced when hostile";
    of(
        "proxy.request_id.sane",
        claim,
        expected,
        |proxy| &proxy.request_ids,
        |_, asked| {
            let ids: Vec<&str> = asked.iter().filter_map(id).collect();
            each(asked, |asked: &Identified, answer| {
                let id = once(answer, "x-request-id")?;
                if !is_sane(id) {
                    return Err(format!("is answered with an id of {} bytes that is not sane", id.len()));
                }
                let passed_on = asked.brought.as_deref() == Some(id);
                if passed_on && !asked.sane {
                    return Err("its id is passed on".into());
                }
                if !passed_on && ids.iter().filter(|other| **other == id).count() > 1 {
                    return Err("has the id of another request".into());
                }
                Ok(())
            })
        },
    )
}

fn id(asked: &Identified) -> Option<&str> {
    asked.row.answer.as_ref().ok()?.header("x-request-id")
}

fn logged() -> Check {
    let claim = "the id of an answer is found in the log of everything that it came through";
    let expected = "in the logs of the proxy and of the service that answered";
    of(
        "proxy.request_id.logged",
        claim,
        expected,
        |proxy| &proxy.request_ids,
        |_, asked| {
            each(asked, |asked: &Identified, _| {
                let missing: Vec<&str> = asked
                    .logged
                    .iter()
                    .filter(|(_, found)| !**found)
                    .map(|(place, _)| place.as_str())
                    .collect();
                match (missing.is_empty(), asked.logged.is_empty()) {
                    (true, false) => Ok(()),
                    (true, true) => Err("no log was read".into()),
                    (false, _) => Err(format!("its id is not in the log of {}", missing.join(" and "))),
                }
            })
        },
    )
}

fn forwarded() -> Check {
    let claim = "what a client claims of the way its request came changes nothing";
    let expected =
        "the same answer as without the claim, links to the public origin, the claimed address in no log";
    of(
        "proxy.forwarded",
        claim,
        expected,
        |proxy| &proxy.forwarded,
        |proxy, all| {
            each(all, |compared: &Compared, answer| {
                let plain =
                    compared.plain.as_ref().map_err(|why| format!("no answer without the claim ({why})"))?;
                believes_nothing(answer)?;
                if shape(answer) != shape(plain) {
                    let (claiming, plain) = (shape(answer), shape(plain));
                    return Err(format!("is answered {claiming:?}, and without the claim {plain:?}"));
                }
                if let Some(link) = links(answer).iter().find(|link| !link.starts_with(&proxy.public_origin))
                {
                    return Err(format!("has a link to {}", link.split('?').next().unwrap_or_default()));
                }
                if let Some(service) = compared.believed_by.first() {
                    return Err(format!("the log of {service} has the claimed address"));
                }
                Ok(())
            })
        },
    )
}

/// Whatever a client claims, nothing of it may come back.
fn believes_nothing(answer: &Answer) -> Result<(), String> {
    for claim in [ELSEWHERE, NOBODY] {
        if let Some((name, _)) = answer.headers.iter().find(|(_, value)| value.contains(claim)) {
            return Err(format!("{} with {claim} in {name}", answer.status));
        }
        if String::from_utf8_lossy(&answer.body).contains(claim) {
            return Err(format!("{} with {claim} in the body", answer.status));
        }
    }
    Ok(())
}

/// What must be the same of two answers to one request: status, where it leads, and what its cookies say besides
/// their values.
fn shape(answer: &Answer) -> (u16, Option<&str>, Vec<String>) {
    let cookies = values(answer, "set-cookie").into_iter().map(|cookie| {
        let (pair, flags) = cookie.split_once(';').unwrap_or((cookie, ""));
        format!("{};{flags}", pair.split('=').next().unwrap_or_default())
    });
    (answer.status, answer.header("location"), cookies.collect())
}

/// The links of an answer in JSON.
fn links(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let images = json.get("images").and_then(|images| images.as_array()).cloned().unwrap_or_default();
    images.iter().filter_map(|image| Some(image.get("link")?.as_str()?.to_owned())).collect()
}

fn host() -> Check {
    let claim = "a foreign Host makes no foreign link and no foreign redirect";
    let expected = "refused, or answered as if it had named the right one";
    of(
        "proxy.host",
        claim,
        expected,
        |proxy| &proxy.hosts,
        |proxy, rows| {
            each(rows, |_: &Row, answer| {
                believes_nothing(answer)?;
                match links(answer).iter().find(|link| !link.starts_with(&proxy.public_origin)) {
                    Some(link) => {
                        Err(format!("has a link to {}", link.split('?').next().unwrap_or_default()))
                    }
                    None if answer.status >= 500 => Err(answer.status.to_string()),
                    None => Ok(()),
                }
            })
        },
    )
}
