//! What every HTTP service does alike: problem documents, request ids, one log line per request, metrics,
//! bounds.

mod busy;
pub mod client_address;
mod drain;
mod observe;
pub mod operations;
pub mod problem;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

pub use client_address::{ClientAddress, TrustedHops};
pub use observe::{RequestId, WriteProblem};
pub use problem::Problem;

use crate::metrics::{HttpMetrics, Metrics};

/// What is read and thrown away of a body that came to an address where there is nothing. Left unread, it ends the
/// connection, and with it whatever a proxy has sent there next.
const STRAY_BODY_BYTES: usize = 64 * 1024;

/// The bounds within which a router answers.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of a request's body that an extractor accepts, unless a route says otherwise.
    pub body_bytes: usize,
    /// Bytes of a refused request's body that are still read, so that a proxy sees the refusal instead of a
    /// reset.
    pub drain_bytes: usize,
    /// Time for a whole request, unless a route is quicker by itself.
    pub request: Duration,
    /// Requests answered at the same time; one more is answered 503 at once.
    pub concurrent_requests: usize,
}

/// Puts the bounds around a service's own routes, without its [`operations`]: those must answer when the
/// service is busy.
pub fn bound(router: Router, bounds: Bounds) -> Router {
    router
        .layer(DefaultBodyLimit::max(bounds.body_bytes))
        .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::SERVICE_UNAVAILABLE, bounds.request))
        .layer(axum::middleware::from_fn_with_state(
            busy::Seats::new(bounds.concurrent_requests),
            busy::refuse_when_full,
        ))
        .layer(axum::middleware::from_fn_with_state(
            drain::Limit(bounds.drain_bytes),
            drain::drain_request_body,
        ))
}

/// The outermost layer of every service: request ids, log lines, metrics, and every error a problem document,
/// panics too.
pub fn wrap(router: Router, metrics: &Metrics) -> Router {
    wrap_with(router, metrics, observe::as_problem_document)
}

/// [`wrap`], with errors in another form than problem documents: pages, for people.
pub fn wrap_with(router: Router, metrics: &Metrics, write: WriteProblem) -> Router {
    let observer = observe::Observer { metrics: HttpMetrics::register(metrics), write };
    router
        .layer(axum::middleware::from_fn_with_state(
            drain::Limit(STRAY_BODY_BYTES),
            drain::drain_request_body,
        ))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(axum::middleware::from_fn_with_state(observer, observe::observe))
}

/// The panic hook has logged it already; the client learns only that it is our fault.
fn answer_panic(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal().into_response()
}
