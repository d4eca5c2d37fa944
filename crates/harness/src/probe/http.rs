//! HTTP as a probe sees it: every exchange is kept as plain data, whole, because leaks hide in what nobody looks at.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::Client as HttpClient,
    rt::{TokioExecutor, TokioTimer},
};
use reqwest::{
    Body, Method, RequestBuilder,
    header::{ACCEPT, HeaderValue},
};
use rustls::pki_types::ServerName;
use serde_json::Value;

use super::connect::{self, Connector};
use crate::{authority::Authority, engine::innermost};

/// Long enough for an upload on a slow machine; passing it means a fault.
pub(super) const WITHIN: Duration = Duration::from_secs(15);

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

    /// What people were given that others must not see: tokens of sessions, cookies, signatures of links.
    pub fn secrets_told(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.exchanges().into_iter().filter_map(|exchange| exchange.answer.ok()).flat_map(|answer| {
            let token = answer.text("/token").map(|token| ("session_token", token));
            let headers = |wanted: &'static str| {
                answer.headers.iter().filter(move |(name, _)| name == wanted).map(|(_, value)| value.as_str())
            };
            let cookies: Vec<_> = headers("set-cookie")
                .filter_map(|cookie| cookie.split(';').next()?.split_once('='))
                .map(|(_, value)| ("cookie", value.trim_matches('"').to_owned()))
                .filter(|(_, value)| value.len() >= MIN_SECRET)
                .collect();
            let body = String::from_utf8_lossy(&answer.body);
            let signatures: Vec<_> = headers("location")
                .chain([body.as_ref()])
                .flat_map(|text| text.split("signature=").skip(1))
                .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)))
                .map(|signature| ("link_signature", signature.collect::<String>()))
                .filter(|(_, signature)| signature.len() >= MIN_SECRET)
                .collect();
            token.into_iter().chain(cookies).chain(signatures)
        })
    }

    pub(super) fn keep(&self, exchange: &Exchange) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange.clone());
    }
}

/// A client of one endpoint. It follows no redirect and keeps no cookie.
#[derive(Clone)]
pub struct Client {
    http: HttpClient<Connector, Body>,
    /// Gives requests their shape, and sends none: that goes over a connection of our own.
    shaper: reqwest::Client,
    /// Scheme and authority that its requests name, such as `https://shakedown.localhost:8443`.
    origin: String,
    recorder: Recorder,
}

impl Client {
    /// A client that speaks plain HTTP to `address`, under the name `authority` where that is given, and has every
    /// exchange recorded.
    pub fn plain(address: SocketAddr, authority: Option<&str>, recorder: &Recorder) -> Self {
        let authority = authority.map_or_else(|| address.to_string(), str::to_owned);
        Self::over(Connector::plain(address), format!("http://{authority}"), recorder)
    }

    /// A client that speaks HTTPS to `address` under the name `authority` (host, perhaps port), and believes only whom
    /// `trusted` has vouched for. HTTP/2 or 1.1, as the server likes.
    pub fn tls(
        address: SocketAddr,
        authority: &str,
        trusted: &Authority,
        recorder: &Recorder,
    ) -> Result<Self, String> {
        let host = host_of(authority);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| format!("`{host}` cannot be the name of a server: {error}"))?;
        let connector = Connector::tls(address, name, trusted.client_config());
        Ok(Self::over(connector, format!("https://{authority}"), recorder))
    }

    /// A client of a service itself, whose exchanges nobody keeps.
    pub fn direct(address: SocketAddr) -> Self {
        Self::plain(address, None, &Recorder::default())
    }

    fn over(connector: Connector, origin: String, recorder: &Recorder) -> Self {
        let http = HttpClient::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Self { http, shaper: reqwest::Client::new(), origin, recorder: recorder.clone() }
    }

    /// The same client, with exchanges that nobody keeps.
    #[must_use]
    pub fn unrecorded(&self) -> Self {
        Self { recorder: Recorder::default(), ..self.clone() }
    }

    /// Sends a request; `shape` adds headers, a body and to the query. The path is sent as it is given: no dots are
    /// resolved, nothing is encoded.
    pub async fn send(
        &self,
        step: &str,
        method: Method,
        path_and_query: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Exchange {
        let path = path_and_query.split('?').next().unwrap_or_default();
        let request = format!("{method} {path}");
        let builder = shape(self.shaper.request(method, &self.origin));
        let start = Instant::now();
        let answer = tokio::time::timeout(WITHIN, self.receive(builder, path_and_query)).await;
        let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {WITHIN:?}")));
        let exchange = Exchange { step: step.into(), request, duration: start.elapsed(), answer };
        self.recorder.keep(&exchange);
        exchange
    }

    /// `GET` without anything.
    pub async fn get(&self, step: &str, path_and_query: &str) -> Exchange {
        self.send(step, Method::GET, path_and_query, |request| request).await
    }

    async fn receive(&self, builder: RequestBuilder, path_and_query: &str) -> Result<Answer, String> {
        let shaped = builder.build().map_err(|error| innermost(&error))?;
        let target = connect::target(&self.origin, path_and_query, shaped.url())?;
        let mut request = hyper::Request::try_from(shaped).map_err(|error| innermost(&error))?;
        *request.uri_mut() = target;
        request.headers_mut().entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let response = self.http.request(request).await.map_err(|error| innermost(&error))?;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| format!("{status}, then {}", innermost(&error)))?.to_bytes();
        Ok(Answer { status, headers, body })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.origin)
    }
}

/// The host of an authority such as `shakedown.localhost:8443` or `[::1]:8443`.
pub fn host_of(authority: &str) -> &str {
    if let Some((address, _)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    authority.split_once(':').map_or(authority, |(host, _)| host)
}

/// Path and query of a link, whatever origin it names: `http://localhost:8080/images/…?…` → `/images/…?…`.
pub fn path_and_query(link: &str) -> Option<&str> {
    let rest = link.split_once("://")?.1;
    rest.find('/').map(|slash| &rest[slash..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_in_an_authority() {
        for (authority, host) in [
            ("shakedown.localhost:8443", "shakedown.localhost"),
            ("example.org", "example.org"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]:8443", "::1"),
        ] {
            assert_eq!(host_of(authority), host);
        }
    }

    #[test]
    fn tokens_cookies_and_signatures_are_secrets_wherever_they_were_told() {
        let recorder = Recorder::default();
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let answers = [
            Answer { body: r#"{"token":"session-0123456789"}"#.into(), ..Answer::default() },
            Answer {
                headers: vec![
                    header("set-cookie", "__Host-session=cookie-0123456789ab; Secure; Path=/"),
                    header("set-cookie", "__Host-session=; Max-Age=0"),
                    header("location", "/images/1?expires=1&signature=location-0123456789"),
                ],
                ..Answer::default()
            },
            Answer {
                body: r#"<img src="/images/1?signature=body-0123456789ab">"#.into(),
                ..Answer::default()
            },
        ];
        for answer in answers {
            let duration = Duration::ZERO;
            recorder.keep(&Exchange {
                step: String::new(),
                request: String::new(),
                duration,
                answer: Ok(answer),
            });
        }
        let told: Vec<String> = recorder.secrets_told().map(|(_, value)| value).collect();
        let expected =
            ["session-0123456789", "cookie-0123456789ab", "location-0123456789", "body-0123456789ab"];
        assert_eq!(told, expected);
    }
}
