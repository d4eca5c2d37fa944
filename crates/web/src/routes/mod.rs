//! The addresses of web: a file per page.

mod account;
mod assets;
mod entrance;
mod gallery;
mod image;
mod job;
mod uploads;

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use service::http::client_address::find_client;
use service::http::{Bounds, bound, operations, wrap_with};
use service::{Metrics, Problem};
use uuid::Uuid;

use crate::cookie;
use crate::error::{self, PageError};
use crate::headers::{protect, refuse_foreign_forms};
use crate::notice::Notice;
use crate::session::lead_to_log_in;
use crate::state::WebState;
use crate::upload::FORM_OVERHEAD_BYTES;
use crate::visitor::Visit;

/// Everything but uploads: small forms, and answers as quick as the api's (of which one page may need two).
const QUICK: Bounds = Bounds {
    body_bytes: 16 * 1024,
    drain_bytes: 2 * 1024 * 1024,
    request: Duration::from_secs(25),
    concurrent_requests: 256,
};

/// A little longer than the api takes for an upload, so that its answer is heard.
const UPLOAD_WITHIN: Duration = Duration::from_secs(95);
const UPLOADS_AT_ONCE: usize = 64;

/// What is drained of an upload that is too large, beyond the largest allowed.
const UPLOAD_DRAIN_BYTES: usize = 16 * 1024 * 1024;

/// The whole service.
pub(crate) fn router(state: &WebState, metrics: &Metrics) -> Router {
    let operations = operations::routes(state.readiness(), metrics.clone());
    let hops = state.config.trusted_hops;
    let form_bytes = state.config.upload_bytes + FORM_OVERHEAD_BYTES;
    let upload_bounds = Bounds {
        body_bytes: form_bytes,
        drain_bytes: form_bytes + UPLOAD_DRAIN_BYTES,
        request: UPLOAD_WITHIN,
        concurrent_requests: UPLOADS_AT_ONCE,
    };
    let uploads = Router::new().route("/gallery", post(uploads::upload));
    let quick = Router::new()
        .route("/", get(entrance::landing))
        .route("/sign-up", get(entrance::sign_up_form).post(entrance::sign_up))
        .route("/log-in", get(entrance::log_in_form).post(entrance::log_in))
        .route("/log-out", post(account::log_out))
        .route("/gallery", get(gallery::page))
        .route("/gallery/{id}", get(image::page))
        .route("/gallery/{id}/picture", get(image::picture))
        .route("/gallery/{id}/delete", post(image::delete))
        .route("/jobs/{id}", get(job::page))
        .route("/jobs/{id}/state", get(job::state))
        .route("/account", get(account::page))
        .route("/account/password", post(account::change_password))
        .route("/account/log-out-everywhere", post(account::log_out_everywhere))
        .route("/assets/{name}", get(assets::one));
    let guarded = |router: Router<WebState>| {
        router
            .layer(from_fn(lead_to_log_in))
            .layer(from_fn_with_state(state.clone(), refuse_foreign_forms))
            .layer(from_fn_with_state(hops, find_client))
            .with_state(state.clone())
    };
    let router = bound(guarded(quick), QUICK).merge(bound(guarded(uploads), upload_bounds)).merge(operations);
    wrap_with(router, metrics, error::write).layer(from_fn(protect))
}

/// A page, or a form again.
fn page(page: &impl askama::Template) -> Html<String> {
    Html(web::page::render(page))
}

/// A page for somebody who is not signed in; the browser gets a visit if it has none.
fn visit_page(visit: &Visit, answer: impl IntoResponse) -> Response {
    let cookie = visit.is_new.then(|| cookie::visit(&visit.value)).flatten();
    (AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie))), answer).into_response()
}

/// On to another page, with something to tell there.
fn redirect(path: &str, notice: Notice) -> Redirect {
    Redirect::to(&format!("{path}?notice={}", notice.word()))
}

/// The id in a path. One that is no id names nothing: 404.
struct PathId(Uuid);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let id = Path::<Uuid>::from_request_parts(parts, state).await;
        let Path(id) = id.map_err(|_| Problem::of_status(StatusCode::NOT_FOUND))?;
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests;
