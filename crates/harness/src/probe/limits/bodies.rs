//! Bodies and headers that are too long.

use reqwest::{Body, Method, RequestBuilder};

use super::{newcomer, relay, slow::Line};
use crate::{
    observation::Story,
    probe::{http::Client, photo},
    running::RunningStack,
};

/// Twice of what the api reads as JSON, in bytes.
const JSON: usize = 32 * 1024;
/// More than any form of web's without a picture, and less than the proxy refuses by itself.
const FORM: usize = 1_500_000;
/// More than the proxy lets pass where nobody uploads, in bytes.
const ANYTHING: usize = 3 * 1024 * 1024;
/// Headers beyond what the proxy takes, in bytes: it has a bound of 16 KiB, and its library adds 4 of its own.
const HEADERS: usize = 24 * 1024;
const PIECE: usize = 1024;

/// Sends all of them. What is refused has to be told, not cut off: a reset tells nobody what was wrong.
pub(super) async fn observe(running: &RunningStack) -> Story {
    let mut story = Story::default();
    match running.another_client(relay::SENDS_TOO_MUCH).await {
        Ok(client) => {
            let (json, chunked, form, anything) = tokio::join!(
                post(&client, "body.json", "/api/v1/sessions", "application/json", text(JSON)),
                post(
                    &client,
                    "body.json_unannounced",
                    "/api/v1/sessions",
                    "application/json",
                    unannounced(JSON)
                ),
                post(&client, "body.form", "/log-in", "application/x-www-form-urlencoded", text(FORM)),
                post(&client, "body.proxy", "/log-in", "application/x-www-form-urlencoded", text(ANYTHING)),
            );
            for exchange in [json, chunked, form, anything] {
                story.keep(exchange);
            }
            match newcomer(running, &client, "sends-too-much").await {
                Ok(person) => {
                    story.keep(person.upload("body.upload", &photo::oversized(), "halftone", None).await);
                }
                Err(why) => story.leave_out("body.upload", &why),
            }
        }
        Err(why) => story.broken = Some(why),
    }
    headers(running, &mut story).await;
    story
}

async fn post(
    client: &Client,
    step: &str,
    path: &str,
    kind: &str,
    body: Body,
) -> crate::probe::http::Exchange {
    let shape = |request: RequestBuilder| request.header("content-type", kind).body(body);
    client.send(step, Method::POST, path, shape).await
}

fn text(length: usize) -> Body {
    format!("{{\"email\": \"{}\"}}", "x".repeat(length)).into()
}

/// A body that does not say beforehand how long it is.
fn unannounced(length: usize) -> Body {
    let pieces = (0..length / PIECE).map(|_| Ok::<_, std::io::Error>(vec![b'x'; PIECE]));
    Body::wrap_stream(futures::stream::iter(pieces))
}

async fn headers(running: &RunningStack, story: &mut Story) {
    for (fact, length, right) in
        [("headers.long", HEADERS, &[431, 400][..]), ("headers.short", HEADERS / 8, &[200][..])]
    {
        let told = async {
            let mut line = Line::open(running).await?;
            let long = "x".repeat(length);
            let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nX-Long: {long}\r\n\r\n", line.host);
            // It may be refused before all of it was sent.
            let _ = line.send(request.as_bytes()).await;
            line.status().await
        };
        match told.await {
            Ok(status) => {
                story.fact(fact, right.contains(&status), format!("{length} bytes answered {status}"));
            }
            Err(why) => story.fact(fact, false, format!("{length} bytes: {why}")),
        }
    }
}
