//! The addresses of the api: a file per resource.

mod account;
mod images;
mod job_status;
mod links;
mod openapi;
mod sessions;
mod uploads;
mod users;

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post, put};
use service::http::client_address::find_client;
use service::http::{Bounds, bound, operations, wrap};
use service::{Metrics, Problem};

use crate::state::ApiState;
use crate::upload::FORM_OVERHEAD_BYTES;
use crate::{cors, limit};

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

/// The whole api. Every request but those of operators counts to its client's limit.
pub(crate) fn router(state: ApiState, metrics: &Metrics) -> Router {
    let limited = from_fn_with_state(state.limiter.clone(), limit::every_request);
    let preflights = from_fn_with_state(state.limiter.clone(), limit::preflights);
    let find_client = from_fn_with_state(state.trusted_hops, find_client);
    let cors = cors::layer(&state.allowed_origins);
    let operations = operations::routes(state.readiness(), metrics.clone());

    let form_bytes = state.ceilings.upload_bytes + FORM_OVERHEAD_BYTES;
    let upload_bounds = Bounds {
        body_bytes: form_bytes,
        drain_bytes: form_bytes + UPLOAD_DRAIN_BYTES,
        request: UPLOAD_WITHIN,
        concurrent_requests: UPLOADS_WAITING,
    };
    let uploads = Router::new().route("/images", post(uploads::upload));
    let quick = Router::new()
        .route("/users", post(users::sign_up))
        .route("/users/me", get(account::show))
        .route("/users/me/password", put(account::change_password))
        .route("/sessions", post(sessions::log_in).delete(sessions::log_out_everywhere))
        .route("/sessions/current", get(sessions::current).delete(sessions::log_out))
        .route("/images", get(images::list))
        .route("/images/{id}", get(images::one).delete(images::remove))
        .route("/jobs/{id}", get(job_status::one))
        .route("/openapi.json", get(openapi::document))
        .fallback(nothing_here);
    let v1 = bound(quick.with_state(state.clone()).layer(limited.clone()), QUICK)
        .merge(bound(uploads.with_state(state.clone()).layer(limited.clone()), upload_bounds))
        .layer(cors)
        .layer(preflights)
        .layer(map_response(kept_by_nobody));

    let links = Router::new().route("/images/{id}", get(links::follow)).fallback(nothing_here);
    let router = Router::new()
        .merge(bound(links.with_state(state).layer(limited), QUICK))
        .nest("/v1", v1)
        .layer(find_client)
        .merge(operations);
    wrap(router, metrics)
}

/// Sessions, links, who has which pictures: no cache on the way may keep any of it.
async fn kept_by_nobody(mut response: Response) -> Response {
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn nothing_here() -> Problem {
    Problem::of_status(StatusCode::NOT_FOUND)
}

#[cfg(test)]
mod tests;
