//! The addresses of web: a file per page.

use axum::Router;
use service::Metrics;
use service::http::{operations, wrap};

use crate::state::WebState;

/// The whole service.
pub(crate) fn router(state: WebState, metrics: &Metrics) -> Router {
    wrap(operations::routes(state.readiness(), metrics.clone()), metrics)
}
