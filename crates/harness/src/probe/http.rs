//! HTTP as a probe sees it: every exchange is kept as plain data, whole, because leaks hide in what nobody looks at.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::{Method, RequestBuilder, redirect::Policy};
use serde_json::Value;

use crate::engine::innermost;

/// Long enough for an upload on a slow machine; passing it means a fault.
const WITHIN: Duration = Duration::from_secs(15);

/// Shorter text is no secret, and would be found everywhere.
const MIN_SECRET: usize = 16;

/// One request and what came of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The step of the story it belongs to.
    pub step: String,
    /// Method and path, for people. Without the query, which may hold a signature.
    pub request: String,
    /// How long it took.
    pub duration: Duration,
    /// The answer, or why there was none.
    pub answer: Result<Answer, String>,
}

/// An HTTP answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers in order, names in lower case. Values that are no text are shown lossily.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A text field of the JSON body, by pointer such as `/image/link`.
    pub fn text(&self, pointer: &str) -> Option<String> {
        self.json().pointer(pointer)?.as_str().map(str::to_owned)
    }
}

impl Exchange {
    /// The status, where there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.answer.as_ref().ok().map(|answer| answer.status)
    }

    /// What came back, in a few words: `201`, or why nothing did.
    pub fn outcome(&self) -> String {
        match &self.answer {
            Ok(answer) => answer.status.to_string(),
            Err(error) => format!("no answer ({error})"),
        }
    }
}

/// Everything that clients of one run heard, in the order of arrival.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<Exchange>>>);

impl Recorder {
    /// A copy of what was heard so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What people were given that others must not see: tokens of sessions, signatures of links.
    pub fn secrets_told(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.exchanges().into_iter().filter_map(|exchange| exchange.answer.ok()).flat_map(|answer| {
            let token = answer.text("/token").map(|token| ("session_token", token));
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            let signatures: Vec<_> = body
                .split("signature=")
                .skip(1)
                .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)))
                .map(|signature| ("link_signature", signature.collect::<String>()))
                .filter(|(_, signature)| signature.len() >= MIN_SECRET)
                .collect();
            token.into_iter().chain(signatures)
        })
    }

    fn keep(&self, exchange: &Exchange) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange.clone());
    }
}

/// A client of one endpoint. It follows no redirect and keeps no cookie.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    host: Option<String>,
    recorder: Recorder,
}

impl Client {
    /// A client that speaks to `address`, under the name `host` (the authority of the public origin), and has every
    /// exchange recorded.
    pub fn new(address: SocketAddr, host: Option<&str>, recorder: &Recorder) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().timeout(WITHIN).build();
        Self {
            http: http.unwrap_or_default(),
            address,
            host: host.map(str::to_owned),
            recorder: recorder.clone(),
        }
    }

    /// A client of a service itself, whose exchanges nobody keeps.
    pub fn direct(address: SocketAddr) -> Self {
        Self::new(address, None, &Recorder::default())
    }

    /// Sends a request; `shape` adds headers and a body.
    pub async fn send(
        &self,
        step: &str,
        method: Method,
        path_and_query: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Exchange {
        let url = format!("http://{}{path_and_query}", self.address);
        let path = path_and_query.split('?').next().unwrap_or_default();
        let request = format!("{method} {path}");
        let mut builder = self.http.request(method, url);
        if let Some(host) = &self.host {
            builder = builder.header("host", host);
        }
        let start = Instant::now();
        let answer = receive(shape(builder)).await;
        let exchange = Exchange { step: step.into(), request, duration: start.elapsed(), answer };
        self.recorder.keep(&exchange);
        exchange
    }

    /// `GET` without anything.
    pub async fn get(&self, step: &str, path_and_query: &str) -> Exchange {
        self.send(step, Method::GET, path_and_query, |request| request).await
    }
}

async fn receive(request: RequestBuilder) -> Result<Answer, String> {
    let response = request.send().await.map_err(|error| innermost(&error))?;
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = response.bytes().await.map_err(|error| format!("{status}, then {}", innermost(&error)))?;
    Ok(Answer { status, headers, body })
}

/// Path and query of a link, whatever origin it names: `http://localhost:8080/images/…?…` → `/images/…?…`.
pub fn path_and_query(link: &str) -> Option<&str> {
    let rest = link.split_once("://")?.1;
    rest.find('/').map(|slash| &rest[slash..])
}
