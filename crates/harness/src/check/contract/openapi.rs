//! `contract.openapi.*`: the api answers as its `OpenAPI` document says.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Check, Finding, Subject, contract,
    document::{Document, path_of},
    none, with,
};
use crate::{
    check::smoke::is_problem,
    observation::{Contract, Fuzz, Observations, Tried},
    probe::http::{Answer, Exchange},
};

pub(super) fn checks() -> Vec<Check> {
    vec![
        heard(
            "answers",
            "every answer of the api in this run is one that its OpenAPI document describes",
            "the status, the content type and the body as described",
            answers,
        ),
        heard(
            "routes",
            "the OpenAPI document has every route of the api, and the api every route of the document",
            "each operation was asked in this run, and what the document does not have answers 404",
            routes,
        ),
        heard(
            "problems",
            "every error of the api is a problem document",
            "application/problem+json, with the answer's own status in it",
            |exchanges, _, _| problems(exchanges),
        ),
        contract(
            "openapi.fuzz",
            "no request that a fuzzer thinks of gets an answer that the OpenAPI document does not describe",
            "no server error; statuses, content types, bodies and headers as described",
            |seen| {
                with(&seen.fuzz, |tried| match tried {
                    Tried::Without(why) => Finding::Skipped(why.clone()),
                    Tried::Fuzzed(fuzz) => fuzzed(fuzz),
                })
            },
        ),
    ]
}

fn heard(
    name: &str,
    claim: &str,
    expected: &str,
    judge: impl Fn(&[Exchange], &Value, &Contract) -> Finding + Send + Sync + 'static,
) -> Check {
    Check::new(
        format!("contract.openapi.{name}"),
        Subject::Contract,
        claim,
        expected,
        move |seen: &Observations| {
            with(&seen.contract.seen, |contract| {
                with(&contract.document, |document| judge(&seen.heard, document, contract))
            })
        },
    )
}

/// Exchanges that got an answer which the proxy gave or passed on. What is no HTTP at all, such as a malformed `Host`, is
/// refused before that, by Caddy's library and without a request's id.
fn answered(exchanges: &[Exchange]) -> impl Iterator<Item = (&Exchange, &Answer)> {
    let answered = exchanges.iter().filter_map(|exchange| Some((exchange, exchange.answer.as_ref().ok()?)));
    // Whoever came by plain HTTP was only sent to the entrance.
    let reached =
        answered.filter(|(_, answer)| answer.status < 400 || answer.header("x-request-id").is_some());
    reached.filter(|(_, answer)| {
        !(answer.status == 308 && answer.header("location").is_some_and(|to| to.starts_with("https://")))
    })
}

fn answers(exchanges: &[Exchange], document: &Value, _: &Contract) -> Finding {
    let mut document = Document::new(document);
    let (mut judged, mut complaints) = (0_usize, BTreeSet::new());
    // What a gateway says of a service that did not answer it (RFC 9110, 15.6.3 and 15.6.5) is none of the service's words.
    let of_a_gateway = |answer: &Answer| matches!(answer.status, 502 | 504);
    let of_the_api =
        |(exchange, answer): &(&Exchange, &Answer)| of_the_api(exchange) && !of_a_gateway(answer);
    for (exchange, answer) in answered(exchanges).filter(of_the_api) {
        if let Some(operation) = document.operation_of(exchange) {
            judged += 1;
            let complaint = document.complaint(&operation, answer);
            let (method, template) = operation;
            let step = &exchange.step;
            complaints.extend(
                complaint.map(|complaint| format!("{method} {template}: {complaint} (step `{step}`)")),
            );
        }
    }
    if judged == 0 {
        return Finding::Unknown("no described operation was asked".into());
    }
    none(&complaints.into_iter().collect::<Vec<_>>(), format!("{judged} answers"))
}

fn routes(exchanges: &[Exchange], document: &Value, contract: &Contract) -> Finding {
    let document = Document::new(document);
    let asked: BTreeSet<_> =
        answered(exchanges).filter_map(|(exchange, _)| document.operation_of(exchange)).collect();
    let operations = document.operations();
    if operations.is_empty() || contract.made_up.is_empty() {
        return Finding::Unknown("the document describes nothing, or nothing else was asked for".into());
    }
    let never = operations.iter().filter(|operation| !asked.contains(operation));
    let mut complaints: Vec<String> =
        never.map(|(method, path)| format!("nobody asked {method} {path}, which is described")).collect();
    for (path, status) in &contract.made_up {
        match status {
            Ok(404) => {}
            Ok(status) => complaints.push(format!("{path} is not described and answered {status}")),
            Err(why) => return Finding::Unknown(format!("{path}: {why}")),
        }
    }
    let (described, others) = (operations.len(), contract.made_up.len());
    none(&complaints, format!("{described} operations asked, {others} others answered 404"))
}

fn problems(exchanges: &[Exchange]) -> Finding {
    let errors: Vec<_> = answered(exchanges)
        .filter(|(exchange, answer)| answer.status >= 400 && of_the_api(exchange))
        .collect();
    if errors.is_empty() {
        return Finding::Unknown("there was no error".into());
    }
    let wrong = errors.iter().filter(|(_, answer)| !is_problem(answer)).map(|(exchange, answer)| {
        let kind = answer.header("content-type").unwrap_or("no content type");
        format!("{} answered {} as {kind} (step `{}`)", exchange.request, answer.status, exchange.step)
    });
    none(&wrong.collect::<Vec<_>>(), format!("{} errors", errors.len()))
}

/// A path of the api's that is spelled plainly, asked for with a method that has an answer with a body. Odd spellings are
/// the proxy's to refuse, in its own words.
fn of_the_api(exchange: &Exchange) -> bool {
    let plain = |path: &str| !path.contains(['%', ';', '\\']) && !path.contains("..") && !path.contains("//");
    path_of(exchange).is_some_and(|(method, path)| plain(path) && !["HEAD", "CONNECT"].contains(&method))
}

fn fuzzed(fuzz: &Fuzz) -> Finding {
    let (tested, selected) = fuzz.tried;
    let told = format!("{} requests to {tested} operations, seed {}", fuzz.cases, fuzz.seed);
    if tested < selected || fuzz.cases == 0 {
        return Finding::Unknown(format!("{told}; {selected} operations were to be tried"));
    }
    if fuzz.found.is_empty() {
        return Finding::Pass(told);
    }
    let again = fuzz.again.first().map(|command| format!("to see it again: {command}"));
    Finding::Fail(format!("{}; {told}", fuzz.found.join("; ")), again)
}
