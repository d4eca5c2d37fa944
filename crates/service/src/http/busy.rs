//! The bound on requests answered at the same time.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::Problem;

/// One seat per request that may be in the works.
#[derive(Clone)]
pub(super) struct Seats(Arc<Semaphore>);

impl Seats {
    pub(super) fn new(seats: usize) -> Self {
        Self(Arc::new(Semaphore::new(seats)))
    }
}

/// Answers 503 at once when every seat is taken: a queue would only make everyone late.
pub(super) async fn refuse_when_full(State(seats): State<Seats>, request: Request, next: Next) -> Response {
    match seats.0.try_acquire() {
        Ok(_seat) => next.run(request).await,
        Err(_) => Problem::unavailable("The service is busy; try again in a moment.").into_response(),
    }
}
