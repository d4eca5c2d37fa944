//! The server: accepts connections until it is asked to stop, then lets the requests under way finish within
//! the grace period.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use thiserror::Error;
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::Shutdown;
use crate::http::client_address::PeerAddress;

/// A connection that sends no (or half a) request for this long is closed. Longer than the two minutes for
/// which Caddy keeps an idle connection: closing first would race with its next request.
const HEADER_WITHIN: Duration = Duration::from_secs(150);

/// Connections at the same time; more wait in the kernel's backlog.
const CONNECTIONS: usize = 1024;

/// After a failed accept (out of file descriptors), so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a service could not listen.
#[derive(Debug, Error)]
#[error("could not listen on {address}; is the port in use, or the address not this machine's?")]
pub struct ServeError {
    address: SocketAddr,
    source: std::io::Error,
}

/// Serves `router` on `address` until `shutdown` is requested, then drains for at most `grace`.
///
/// Logs `listening` with the field `address` once connections are accepted.
pub async fn serve(
    address: SocketAddr,
    router: Router,
    shutdown: Shutdown,
    grace: Duration,
) -> Result<(), ServeError> {
    let listener = TcpListener::bind(address).await.map_err(|source| ServeError { address, source })?;
    let bound = listener.local_addr().unwrap_or(address);
    tracing::info!(address = %bound, "listening");

    let seats = std::sync::Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    let connections = GracefulShutdown::new();
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_WITHIN);
    loop {
        let accepted = tokio::select! {
            () = shutdown.requested() => break,
            accepted = accept(&listener, &seats) => accepted,
        };
        let (stream, peer, seat) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Small answers should not wait for the client's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let router = router.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request
        });
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended early");
            }
            drop(seat);
        });
    }
    drop(listener);
    if tokio::time::timeout(grace, connections.shutdown()).await.is_ok() {
        tracing::info!("drained");
    } else {
        tracing::warn!(
            grace_s = grace.as_secs(),
            "requests were still under way when the grace period ended"
        );
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    seats: &std::sync::Arc<tokio::sync::Semaphore>,
) -> std::io::Result<(tokio::net::TcpStream, PeerAddress, Option<tokio::sync::OwnedSemaphorePermit>)> {
    // Never closed, so the seat is always there.
    let seat = std::sync::Arc::clone(seats).acquire_owned().await.ok();
    let (stream, peer) = listener.accept().await?;
    Ok((stream, PeerAddress(peer), seat))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use axum::routing::get;
    use axum::{Extension, Router};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::serve;
    use crate::Shutdown;
    use crate::http::client_address::PeerAddress;

    /// Serves on a free port. Port 0 cannot be asked back from here, so this finds one; nothing else in this
    /// process listens.
    fn start(
        router: Router,
        shutdown: Shutdown,
    ) -> (SocketAddr, tokio::task::JoinHandle<Result<(), super::ServeError>>) {
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        (address, tokio::spawn(serve(address, router, shutdown, Duration::from_secs(5))))
    }

    async fn ask(address: SocketAddr) -> String {
        let mut client = loop {
            match tokio::net::TcpStream::connect(address).await {
                Ok(client) => break client,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn handler_learns_the_other_end_of_the_connection() {
        let who = get(|Extension(PeerAddress(peer))| async move { peer.ip().to_string() });
        let shutdown = Shutdown::manual();
        let (address, server) = start(Router::new().route("/", who), shutdown.clone());
        let answer = ask(address).await;
        assert!(answer.ends_with("127.0.0.1"), "{answer}");
        shutdown.request();
        server.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn request_under_way_is_answered_after_the_wish_to_stop() {
        let shutdown = Shutdown::manual();
        let wish = shutdown.clone();
        let slow = get(move || async move {
            wish.request();
            tokio::task::yield_now().await;
            "done"
        });
        let (address, server) = start(Router::new().route("/", slow), shutdown);
        let answer = ask(address).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
        server.await.unwrap().unwrap();
    }
}
