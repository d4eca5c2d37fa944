//! Requests exactly as they are written. A browser, and every client that behaves like one, tidies a path up before it
//! sends it; whoever looks for a way around a rule does not.

use std::{
    fmt,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Uri, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::either::Either;

use super::http::{Answer, Exchange, Recorder, WITHIN, host_of};
use crate::engine::innermost;

/// A request as it goes over the wire, without a body.
#[derive(Clone, Debug)]
pub struct Written {
    /// Any token.
    pub method: String,
    /// What stands behind the method: a path and a query, or a whole URL.
    pub target: String,
    /// Further headers. One called `host` (several, even) stands in place of the right one.
    pub headers: Vec<(String, String)>,
}

impl Written {
    /// A `GET` of `target`.
    pub fn get(target: impl Into<String>) -> Self {
        Self { method: "GET".into(), target: target.into(), headers: Vec::new() }
    }

    /// The same with another method.
    #[must_use]
    pub fn by(self, method: &str) -> Self {
        Self { method: method.into(), ..self }
    }

    /// The same with a header more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)?;
        let headers: Vec<String> =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        if headers.is_empty() { Ok(()) } else { write!(f, " with {}", headers.join(", ")) }
    }
}

/// Where such requests go, and under which name.
#[derive(Clone)]
pub struct Raw {
    /// The address that is connected to.
    pub address: SocketAddr,
    /// The authority of the public origin, such as `shakedown.localhost:8443`.
    pub authority: String,
    /// How TLS is spoken, where it is.
    pub tls: Option<Arc<ClientConfig>>,
    /// What keeps every exchange.
    pub recorder: Recorder,
}

impl Raw {
    /// Sends one request over a connection of its own.
    pub async fn ask(&self, step: &str, written: &Written) -> Exchange {
        let path = written.target.split('?').next().unwrap_or_default();
        let request = format!("{} {path}", written.method);
        let start = Instant::now();
        let answer = match tokio::time::timeout(WITHIN, self.receive(written)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", WITHIN.as_secs())),
        };
        let exchange = Exchange { step: step.into(), request, duration: start.elapsed(), answer };
        self.recorder.keep(&exchange);
        exchange
    }

    /// Sends these bytes over a connection of their own and cuts it. Returns the first bytes of the answer, where one
    /// came within `patience` all the same.
    pub async fn cut_off(&self, bytes: &[u8], patience: Duration) -> Result<Option<Vec<u8>>, String> {
        let mut stream = self.connect().await?;
        stream.write_all(bytes).await.map_err(|error| innermost(&error))?;
        stream.flush().await.map_err(|error| innermost(&error))?;
        let mut answer = vec![0; 512];
        match tokio::time::timeout(patience, stream.read(&mut answer)).await {
            Err(_) | Ok(Ok(0) | Err(_)) => Ok(None),
            Ok(Ok(count)) => Ok(answer.get(..count).map(<[u8]>::to_vec)),
        }
    }

    async fn receive(&self, written: &Written) -> Result<Answer, String> {
        let stream = self.connect().await?;
        self.speak(stream, written).await
    }

    async fn connect(&self) -> Result<Either<TlsStream<TcpStream>, TcpStream>, String> {
        let stream = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        let Some(config) = &self.tls else {
            return Ok(Either::Right(stream));
        };
        let mut config = ClientConfig::clone(config);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name =
            ServerName::try_from(host_of(&self.authority).to_owned()).map_err(|error| error.to_string())?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        Ok(Either::Left(stream.map_err(|error| innermost(&error))?))
    }

    async fn speak<S>(&self, stream: S, written: &Written) -> Result<Answer, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| innermost(&error))?;
        let driven = tokio::spawn(connection);
        let target: Uri = written.target.parse().map_err(|error| format!("`{}`: {error}", written.target))?;
        let mut request = Request::builder().method(written.method.as_str()).uri(target);
        if !written.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", &self.authority);
        }
        for (name, value) in &written.headers {
            request = request.header(name, value);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
        let response = sender.send_request(request).await.map_err(|error| innermost(&error))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| format!("{status}, then {}", innermost(&error)))?.to_bytes();
        driven.abort();
        Ok(Answer { status, headers, body })
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What a server hears of a request, and what its answer comes back as.
    async fn heard(written: Written) -> (String, Answer) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nA: 1\r\nA: 2\r\nContent-Length: 2\r\n\r\nno")
                .await
                .unwrap();
            String::from_utf8(request).unwrap()
        });
        let authority = "shakedown.localhost:8443".to_owned();
        let raw = Raw { address, authority, tls: None, recorder: Recorder::default() };
        let exchange = raw.ask("step", &written).await;
        (server.await.unwrap(), exchange.answer.unwrap())
    }

    #[tokio::test]
    async fn a_path_is_sent_as_it_is_written() {
        for path in [
            "/api/%2e%2e/ready",
            "/a/../b",
            "//api//ready",
            "/ready;x",
            "/%2572eady",
            "http://evil.example/ready",
        ] {
            let (request, answer) = heard(Written::get(path)).await;
            assert!(request.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{path}: {request}");
            assert!(request.contains("host: shakedown.localhost:8443\r\n"), "{request}");
            assert_eq!((answer.status, &answer.body[..]), (404, &b"no"[..]));
            assert_eq!(answer.headers.iter().filter(|(name, _)| name == "a").count(), 2);
        }
    }

    #[tokio::test]
    async fn any_method_is_sent_and_another_host_takes_the_place_of_the_right_one() {
        let (request, _) = heard(Written::get("/").by("BREW").with("host", "a").with("host", "b")).await;
        assert!(request.starts_with("BREW / HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("host: a\r\nhost: b\r\n") && !request.contains("shakedown"), "{request}");
    }
}
