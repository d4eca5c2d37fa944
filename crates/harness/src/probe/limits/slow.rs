//! Connections that send their request byte by byte, to keep a server busy with nothing.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::either::Either;

use super::flood::while_asking;
use crate::{
    engine::innermost,
    observation::{Seen, Slow, Tally},
    probe::http::host_of,
    running::RunningStack,
};

/// Between two bytes.
const DRIP: Duration = Duration::from_millis(200);
/// The proxy waits no longer for a whole header.
const HEADER_WITHIN: Duration = Duration::from_secs(5);
/// The api waits 10 s for a whole JSON body, and 5 s more for its end, so that a proxy hears the refusal. It is asked
/// directly: the proxy in front waits a minute, for the sake of uploads.
const BODY_WITHIN: Duration = Duration::from_secs(15);
/// How much later than its bound a connection may end on a busy machine.
const SLACK: Duration = Duration::from_secs(3);
/// An answer comes within this.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What came of slow connections.
pub(super) struct Slowed {
    pub(super) ended: BTreeMap<String, Seen<Slow>>,
    pub(super) apart: Seen<Tally>,
}

/// Opens them, and asks meanwhile as everybody else does.
pub(super) async fn observe(running: &RunningStack) -> Slowed {
    let door = match running.entrance().await {
        Ok(door) => door,
        Err(why) => return Slowed { ended: BTreeMap::new(), apart: Err(why) },
    };
    let header = "GET / HTTP/1.1\r\nHost: {host}\r\nX-Slow: ";
    let body = "POST /v1/sessions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
                Content-Length: 1000\r\n\r\n{";
    let header = async { drip(Line::open(running).await?, header, HEADER_WITHIN).await };
    let body = async { drip(Line::to_api(running).await?, body, BODY_WITHIN).await };
    let both = async { tokio::join!(header, body) };
    let asking = while_asking(both, || door.get("limits.slow.apart", "/api/health"));
    let ((header, body), apart) = Box::pin(asking).await;
    let ended = [("header", header), ("body", body)];
    Slowed { ended: ended.map(|(name, seen)| (name.to_owned(), seen)).into(), apart: Ok(apart) }
}

/// Sends the beginning of a request, and then a byte now and then, until the other side has enough.
async fn drip(mut line: Line, begin: &str, bound: Duration) -> Seen<Slow> {
    let start = Instant::now();
    line.send(begin.replace("{host}", &line.host).as_bytes()).await?;
    let mut heard = Vec::new();
    let mut buffer = [0; 512];
    while start.elapsed() < bound + SLACK {
        match timeout(DRIP, line.stream.read(&mut buffer)).await {
            Err(_) => {
                if line.send(b"x").await.is_err() {
                    return Ok(ended(start, bound, &heard));
                }
            }
            Ok(Ok(0) | Err(_)) => return Ok(ended(start, bound, &heard)),
            Ok(Ok(count)) => {
                heard.extend_from_slice(&buffer[..count]);
                // An answer before the end of the request: whoever waited has given up.
                if status_in(&heard).is_some() {
                    return Ok(ended(start, bound, &heard));
                }
                sleep(DRIP).await;
            }
        }
    }
    Ok(Slow { cut_after: None, bound: bound + SLACK, told: status_in(&heard) })
}

fn ended(start: Instant, bound: Duration, heard: &[u8]) -> Slow {
    Slow { cut_after: Some(start.elapsed()), bound: bound + SLACK, told: status_in(heard) }
}

/// The status of an answer in HTTP/1.1, once its first line is whole.
fn status_in(heard: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(heard);
    let (line, _) = text.split_once("\r\n")?;
    line.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()
}

/// A connection that sends what it is told, byte for byte.
pub(super) struct Line {
    stream: Either<TlsStream<TcpStream>, TcpStream>,
    /// What belongs into `Host`.
    pub(super) host: String,
}

impl Line {
    /// To the entrance.
    pub(super) async fn open(running: &RunningStack) -> Seen<Self> {
        let origin = running.public_origin()?;
        let host = origin.split_once("://").map_or(origin.as_str(), |(_, authority)| authority).to_owned();
        let name = ServerName::try_from(host_of(&host).to_owned())
            .map_err(|error| format!("`{host}` cannot be the name of a server: {error}"))?;
        let mut config = ClientConfig::clone(&*running.authority()?.client_config());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let address = running.entrance_address().await?;
        let tcp = TcpStream::connect(address).await.map_err(|error| innermost(&error))?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
        Ok(Self { stream: Either::Left(stream.map_err(|error| innermost(&error))?), host })
    }

    async fn to_api(running: &RunningStack) -> Seen<Self> {
        let ready = running.service("api")?.ready.as_ref().ok_or("service `api` has no `ready`")?;
        let address = running.endpoint("api", crate::runner::port_of(ready)).await?;
        let stream = TcpStream::connect(address).await.map_err(|error| innermost(&error))?;
        Ok(Self { stream: Either::Right(stream), host: address.to_string() })
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Seen<()> {
        self.stream.write_all(bytes).await.map_err(|error| innermost(&error))?;
        self.stream.flush().await.map_err(|error| innermost(&error))
    }

    /// The status of the answer.
    pub(super) async fn status(&mut self) -> Seen<u16> {
        let mut heard = Vec::new();
        let mut buffer = [0; 512];
        let reading = async {
            loop {
                match self.stream.read(&mut buffer).await {
                    Ok(0) => return Err("the connection ended without an answer".to_owned()),
                    Ok(count) => heard.extend_from_slice(&buffer[..count]),
                    Err(error) => return Err(innermost(&error)),
                }
                if let Some(status) = status_in(&heard) {
                    return Ok(status);
                }
            }
        };
        timeout(ANSWER_WITHIN, reading).await.unwrap_or_else(|_| Err("no answer".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_once_its_line_is_whole() {
        assert_eq!(status_in(b"HTTP/1.1 408 Request Timeout\r\nDate:"), Some(408));
        assert_eq!(status_in(b"HTTP/1.1 40"), None);
        assert_eq!(status_in(b""), None);
    }
}
