//! The connections to an S3 store: HTTP/1, in TLS where the endpoint says so.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

use super::error::Trouble;

/// Connections that are kept and used again.
pub(super) type Connections = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// How long we wait. None of it is a measure of a good answer: it is when waiting longer helps nobody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// A connection that is not there by then is not coming: as for Redis.
    pub(super) connect: Duration,
    /// Until the head of an answer to something that only looks or deletes. Somebody waits for it, and `/ready` for 2 s.
    pub(super) answer: Duration,
    /// Until the answer to a write: a part has to come through the network and reach a disk. Half of what a
    /// job may take by default.
    pub(super) written: Duration,
    /// Between two chunks of a body. A store that reads from a slow disk still gives some bytes in that time.
    pub(super) chunk: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            answer: Duration::from_secs(3),
            written: Duration::from_secs(10),
            chunk: Duration::from_secs(5),
        }
    }
}

/// An idle connection is closed after this long: sooner than any server closes it (hyper's and nginx' 60 s and more).
const KEPT: Duration = Duration::from_secs(20);

/// Connects when something is asked for, not before.
pub(super) fn connections(tls: bool, timeouts: Timeouts) -> Connections {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(timeouts.connect));
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(client_config(tls))
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(KEPT).build(https)
}

/// Trusts the authorities that this machine does, or those in the file that `SSL_CERT_FILE` names. Where there are none,
/// connecting tells; a service starts all the same.
fn client_config(tls: bool) -> ClientConfig {
    let mut trusted = RootCertStore::empty();
    if tls {
        trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|_| unreachable!("ring has the suites of both versions"))
        .with_root_certificates(trusted)
        .with_no_client_auth()
}

/// What an error of the HTTP client means. Its own words name no URL.
pub(super) fn trouble(error: &(dyn Error + 'static), connecting: bool) -> Trouble {
    let mut innermost = error;
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(tls) = tls_error(cause) {
            let reason = tls.to_string();
            return match tls {
                rustls::Error::InvalidCertificate(_) => Trouble::Untrusted { reason },
                _ => Trouble::NoTls { reason },
            };
        }
        if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return Trouble::NoHttp { reason: cause.to_string() };
        }
        innermost = cause;
        next = cause.source();
    }
    let reason = innermost.to_string();
    if connecting { Trouble::Unreachable { reason } } else { Trouble::BrokenOff { reason } }
}

/// The error of TLS, which comes inside of one of the system.
fn tls_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.downcast_ref().or_else(|| inside.and_then(|inside| inside.downcast_ref::<rustls::Error>())).or_else(
        || inside.and_then(|inside| inside.downcast_ref::<io::Error>()).and_then(|inner| tls_error(inner)),
    )
}
