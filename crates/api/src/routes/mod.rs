//! The addresses of the api: a file per resource.

mod images;
mod job_status;
mod links;
mod openapi;
mod sessions;
mod users;

use std::time::Duration;

use axum::Router;
use axum::routing::{delete, get, post};
use service::Metrics;
use service::http::{Bounds, bound, operations, wrap};

use crate::state::ApiState;
use crate::upload::FORM_OVERHEAD_BYTES;

/// Everything but uploads: small bodies, quick answers.
const QUICK: Bounds = Bounds {
    body_bytes: 16 * 1024,
    drain_bytes: 1024 * 1024,
    request: Duration::from_secs(20),
    concurrent_requests: 256,
};

/// Uploads may come over a slow line; few of them are in memory at a time, the others wait.
const UPLOAD_WITHIN: Duration = Duration::from_secs(90);
const UPLOADS_WAITING: usize = 64;

/// What is drained of an upload that is too large, beyond the largest allowed.
const UPLOAD_DRAIN_BYTES: usize = 16 * 1024 * 1024;

/// The whole api.
pub(crate) fn router(state: ApiState, metrics: &Metrics) -> Router {
    let operations = operations::routes(state.readiness(), metrics.clone());
    let form_bytes = state.limits.upload_bytes + FORM_OVERHEAD_BYTES;
    let upload_bounds = Bounds {
        body_bytes: form_bytes,
        drain_bytes: form_bytes + UPLOAD_DRAIN_BYTES,
        request: UPLOAD_WITHIN,
        concurrent_requests: UPLOADS_WAITING,
    };
    let uploads = Router::new().route("/v1/images", post(images::upload));
    let quick = Router::new()
        .route("/v1/users", post(users::sign_up))
        .route("/v1/sessions", post(sessions::log_in))
        .route("/v1/sessions/current", delete(sessions::log_out))
        .route("/v1/images", get(images::list))
        .route("/v1/images/{id}", get(images::one).delete(images::remove))
        .route("/v1/jobs/{id}", get(job_status::one))
        .route("/v1/openapi.json", get(openapi::document))
        .route("/images/{id}", get(links::follow));
    let router = bound(quick.with_state(state.clone()), QUICK)
        .merge(bound(uploads.with_state(state), upload_bounds))
        .merge(operations);
    wrap(router, metrics)
}

#[cfg(test)]
mod tests;
