//! `smoke.*`: the whole flow works for people who may, and for nobody else.

mod steps;

use super::{Check, Finding, Subject, health::not_reached};
use steps::{FACTS, STEPS, Step};

#[cfg(test)]
pub(super) use steps::{facts, ids, steps};

use crate::{
    observation::{Observations, Story},
    probe::http::{Answer, Exchange},
};

pub(super) fn checks() -> Vec<Check> {
    let steps = STEPS.iter().map(of_step);
    let facts = FACTS.iter().map(|&(id, fact, claim, expected)| of_fact(id, fact, claim, expected));
    let mut all: Vec<Check> = steps.chain(facts).collect();
    all.extend([of_job("halftone"), of_job("duotone"), listed(), typed(), openapi()]);
    all.extend([failed_job("truncated"), failed_job("bomb"), enumeration(), request_id(), others_list()]);
    all
}

fn of_step(step: &'static Step) -> Check {
    let statuses: Vec<String> = step.right.iter().map(ToString::to_string).collect();
    let refusal = step.right.iter().all(|status| *status >= 400);
    let mut expected = statuses.join(" or ");
    if refusal {
        expected += ", as a problem document";
    }
    Check::new(step.id, Subject::Smoke, step.claim, expected, move |seen| {
        let refuted = |story: &Story| {
            story.facts.get(step.at).filter(|(holds, _)| !holds).map(|(_, told)| told.clone())
        };
        if let Some(told) = seen.smoke.seen.as_ref().ok().and_then(refuted) {
            return Finding::Fail(told, None);
        }
        with_step(seen, step.at, |exchange, answer| {
            let told = format!("{} answered {}", exchange.request, answer.status);
            if !step.right.contains(&answer.status) {
                return Finding::Fail(told, None);
            }
            if refusal && !is_problem(answer) {
                let kind = answer.header("content-type").unwrap_or("no content type");
                return Finding::Fail(format!("{told} as {kind}"), None);
            }
            Finding::Pass(told)
        })
    })
}

/// RFC 9457: its media type, and a status in the body that is the answer's.
pub(super) fn is_problem(answer: &Answer) -> bool {
    let typed =
        answer.header("content-type").is_some_and(|kind| kind.starts_with("application/problem+json"));
    typed && answer.json().get("status").and_then(serde_json::Value::as_u64) == Some(answer.status.into())
}

fn of_fact(id: &'static str, fact: &'static str, claim: &'static str, expected: &'static str) -> Check {
    Check::new(id, Subject::Smoke, claim, expected, move |seen| {
        with_story(seen, |story| judge_fact(story, fact))
    })
}

/// A fact of a story: holds, does not, or was never reached.
pub(super) fn judge_fact(story: &Story, fact: &str) -> Finding {
    match story.facts.get(fact) {
        Some((holds, told)) => Finding::judged(*holds, told.clone()),
        None => Finding::Unknown(missing(story, fact)),
    }
}

fn of_job(effect: &'static str) -> Check {
    let claim = format!("a {effect} job makes a picture and describes it");
    let expected = "done, with dimensions, palette, perceptual hash and BlurHash";
    Check::new(format!("smoke.job.{effect}"), Subject::Smoke, claim, expected, move |seen| {
        with_step(seen, &format!("job.{effect}"), |_, answer| {
            let state = answer.text("/state").unwrap_or_default();
            if state != "done" {
                let failure = answer.text("/failure").unwrap_or_default();
                let why = if failure.is_empty() { String::new() } else { format!(": {failure}") };
                return Finding::Fail(format!("job is {state}{why}"), None);
            }
            let json = answer.json();
            let wanted = ["palette", "perceptual_hash", "blurhash", "width", "height"];
            let missing: Vec<&str> = wanted
                .into_iter()
                .filter(|name| json.pointer(&format!("/image/description/{name}")).is_none())
                .collect();
            if missing.is_empty() {
                Finding::Pass("done, and described".into())
            } else {
                Finding::Fail(format!("done, without {}", missing.join(", ")), None)
            }
        })
    })
}

fn listed() -> Check {
    let claim = "a person's pictures are listed, each with a link";
    Check::new("smoke.list", Subject::Smoke, claim, "both pictures, each with a link", |seen| {
        with_step(seen, "list", |_, answer| {
            let json = answer.json();
            let images = json.get("images").and_then(|images| images.as_array()).cloned().unwrap_or_default();
            let linked =
                images.iter().filter(|image| image.get("link").is_some_and(serde_json::Value::is_string));
            let linked = linked.count();
            Finding::judged(
                images.len() == 2 && linked == 2,
                format!("{} pictures, {linked} links", images.len()),
            )
        })
    })
}

fn others_list() -> Check {
    let claim = "a person's list holds nobody else's pictures";
    Check::new("smoke.other.list", Subject::Smoke, claim, "200 and an empty list", |seen| {
        with_step(seen, "other.list", |_, answer| {
            let json = answer.json();
            let count = json.get("images").and_then(|images| images.as_array()).map(Vec::len);
            Finding::judged(
                answer.status == 200 && count == Some(0),
                format!(
                    "{}, {} pictures",
                    answer.status,
                    count.map_or("no list of".into(), |count| count.to_string())
                ),
            )
        })
    })
}

fn typed() -> Check {
    let claim = "a picture is served as exactly what it is, and no browser may guess otherwise";
    Check::new("smoke.link.type", Subject::Smoke, claim, "its own image type and nosniff", |seen| {
        with_step(seen, "link", |_, answer| {
            let kind = answer.header("content-type").unwrap_or("none").to_owned();
            let sniffed = image::guess_format(&answer.body).map_or("none", |format| format.to_mime_type());
            let nosniff = answer.header("x-content-type-options") == Some("nosniff");
            let told = format!("{kind} for {sniffed}, nosniff {}", if nosniff { "set" } else { "missing" });
            Finding::judged(kind == sniffed && nosniff, told)
        })
    })
}

fn openapi() -> Check {
    let claim = "the OpenAPI document is served and knows the routes";
    Check::new("smoke.openapi", Subject::Smoke, claim, "OpenAPI 3 with /v1/images", |seen| {
        with_step(seen, "openapi", |_, answer| {
            let json = answer.json();
            let version = answer.text("/openapi").unwrap_or_default();
            let routes =
                json.get("paths").and_then(|paths| paths.as_object()).map_or(0, serde_json::Map::len);
            let known = json.pointer("/paths/~1v1~1images").is_some();
            Finding::judged(version.starts_with('3') && known, format!("OpenAPI {version}, {routes} paths"))
        })
    })
}

/// Refused at the upload, or taken and the job then failed with a word to the person. Never done, never a crash.
fn failed_job(name: &'static str) -> Check {
    let claim = match name {
        "bomb" => "a decompression bomb is refused, or its job fails kindly",
        _ => "a picture that is cut short is refused, or its job fails kindly",
    };
    let expected = "4xx at the upload, or a failed job that says why";
    Check::new(format!("smoke.wrong.{name}"), Subject::Smoke, claim, expected, move |seen| {
        with_story(seen, |story| {
            let uploaded = story.steps.get(&format!("wrong.{name}"));
            let Some(Ok(answer)) = uploaded.map(|exchange| &exchange.answer) else {
                return Finding::Unknown(broken(story));
            };
            if (400..500).contains(&answer.status) {
                return Finding::judged(is_problem(answer), format!("refused with {}", answer.status));
            }
            let job = story.steps.get(&format!("wrong.{name}.job"));
            let Some(Ok(job)) = job.map(|exchange| &exchange.answer) else {
                return Finding::Fail(
                    format!("{}, and no end of the job", answer.status),
                    story.broken.clone(),
                );
            };
            let state = job.text("/state").unwrap_or_default();
            let failure = job.text("/failure").unwrap_or_default();
            Finding::judged(state == "failed" && !failure.is_empty(), format!("job is {state}: {failure}"))
        })
    })
}

fn enumeration() -> Check {
    let claim = "an unknown e-mail address is answered like a wrong password";
    Check::new("smoke.login.enumeration", Subject::Smoke, claim, "equal status and words", |seen| {
        with_step(seen, "login.wrong_password", |_, wrong| {
            with_step(seen, "login.unknown_user", |_, unknown| {
                let words = |answer: &Answer| (answer.status, answer.text("/title"), answer.text("/detail"));
                let told = format!("{} and {}", wrong.status, unknown.status);
                Finding::judged(words(wrong) == words(unknown) && wrong.status == 401, told)
            })
        })
    })
}

fn request_id() -> Check {
    let claim = "a request's id comes back to whoever asked";
    Check::new(
        "smoke.request_id",
        Subject::Smoke,
        claim,
        "an X-Request-Id on each answer of the api",
        |seen| {
            with_story(seen, |story| {
                let answers = story.steps.values().filter_map(|exchange| exchange.answer.as_ref().ok());
                let (with, without): (Vec<_>, Vec<_>) =
                    answers.partition(|answer| answer.header("x-request-id").is_some());
                Finding::judged(
                    without.is_empty() && !with.is_empty(),
                    format!("{} answers with one, {} without", with.len(), without.len()),
                )
            })
        },
    )
}

/// Why this step or fact is missing from a story.
fn missing(story: &Story, name: &str) -> String {
    story.left_out.get(name).cloned().unwrap_or_else(|| broken(story))
}

/// Why the end of a story is missing.
pub(super) fn broken(story: &Story) -> String {
    story.broken.clone().unwrap_or_else(|| "the story did not come to it".into())
}

fn with_story(seen: &Observations, judge: impl FnOnce(&Story) -> Finding) -> Finding {
    match &seen.smoke.seen {
        Ok(story) => judge(story),
        Err(why) => {
            Finding::Unknown(if seen.bring_up.failure.is_some() { not_reached(seen) } else { why.clone() })
        }
    }
}

fn with_step(seen: &Observations, step: &str, judge: impl FnOnce(&Exchange, &Answer) -> Finding) -> Finding {
    with_story(seen, |story| judge_step(story, step, judge))
}

/// A step's answer, if there is one. No answer where one was due is a failure; a step never reached is unknown.
pub(super) fn judge_step(
    story: &Story,
    step: &str,
    judge: impl FnOnce(&Exchange, &Answer) -> Finding,
) -> Finding {
    match story.steps.get(step) {
        Some(exchange) => match &exchange.answer {
            Ok(answer) => judge(exchange, answer),
            Err(why) => Finding::Fail(format!("{}: {why}", exchange.request), None),
        },
        None => Finding::Unknown(missing(story, step)),
    }
}
