//! Connections to a place that the URL does not name: the public origin's name, at whatever host port it has in this run.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use reqwest::Url;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::either::Either;

/// Connects to one address, whatever is asked of it, by TLS where it was told how.
#[derive(Clone)]
pub(super) struct Connector {
    address: SocketAddr,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    pub(super) fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// The server has to prove that it is `name`.
    pub(super) fn tls(address: SocketAddr, name: ServerName<'static>, config: Arc<ClientConfig>) -> Self {
        Self { address, tls: Some((config.into(), name)) }
    }

    async fn connect(self) -> io::Result<Stream> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let Some((connector, name)) = self.tls else {
            return Ok(Stream { io: TokioIo::new(Either::Left(tcp)), is_h2: false });
        };
        let tls = connector.connect(name, tcp).await?;
        let is_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Stream { io: TokioIo::new(Either::Right(tls)), is_h2 })
    }
}

impl tower_service::Service<hyper::Uri> for Connector {
    type Response = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: hyper::Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}

/// A connection that is there.
pub(super) struct Stream {
    io: TokioIo<Either<TcpStream, TlsStream<TcpStream>>>,
    is_h2: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        if self.is_h2 { Connected::new().negotiated_h2() } else { Connected::new() }
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// What a request is sent to: the raw path and query, not put in order as a URL's would be, behind the origin; besides
/// whatever query was added to the `shaped` URL.
pub(super) fn target(origin: &str, path_and_query: &str, shaped: &Url) -> Result<hyper::Uri, String> {
    let added = shaped.query().map(|query| {
        let joint = if path_and_query.contains('?') { '&' } else { '?' };
        format!("{joint}{query}")
    });
    let whole = format!("{origin}{path_and_query}{}", added.unwrap_or_default());
    whole.parse().map_err(|error| format!("{path_and_query:?} cannot stand in a request: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(path: &str, shaped: &str) -> Result<String, String> {
        let target = target("https://shakedown.localhost:8443", path, &shaped.parse().unwrap())?;
        Ok(target.to_string().replace("https://shakedown.localhost:8443", ""))
    }

    #[test]
    fn a_path_is_sent_as_it_is() {
        for path in ["/", "/a/../metrics", "//metrics", "/%2e%2e/metrics", "/a;b/%00?x=%zz", "/metrics/?"] {
            assert_eq!(sent(path, "http://x/").unwrap(), path);
        }
        assert!(sent("/a b", "http://x/").unwrap_err().contains("/a b"));
    }

    #[test]
    fn a_query_that_was_added_comes_behind_the_paths_own() {
        assert_eq!(sent("/a", "http://x/?q=1").unwrap(), "/a?q=1");
        assert_eq!(sent("/a?p=0", "http://x/?q=1").unwrap(), "/a?p=0&q=1");
    }
}
