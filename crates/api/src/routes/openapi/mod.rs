//! `/v1/openapi.json`: the api's own description.
//!
//! A handler describes what is its own; what all of them have in common is [added](common) here, once.

mod common;

use axum::Json;
use axum::extract::State;
use utoipa::openapi::Server;
use utoipa::{OpenApi, ToSchema};

use crate::state::ApiState;
use common::{EveryErrorIsAProblem, HeadersAreText, PictureKinds, RefusalsOfEveryRoute, SessionScheme};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Shakedown's reference api",
        description = "Sign up, upload a photo, get back a stylised portrait and a link that dies on time. \
                       Every error is a problem document (RFC 9457). Every answer has an `X-Request-Id`. \
                       Unknown query parameters are ignored, but those of a link refused, as are unknown fields of a body.",
    ),
    paths(
        super::users::sign_up,
        super::account::show,
        super::account::change_password,
        super::sessions::log_in,
        super::sessions::current,
        super::sessions::log_out,
        super::sessions::log_out_everywhere,
        super::uploads::upload,
        super::images::list,
        super::images::one,
        super::images::remove,
        super::job_status::one,
        super::links::follow,
        document,
    ),
    components(schemas(ProblemDocument)),
    modifiers(&SessionScheme, &RefusalsOfEveryRoute, &EveryErrorIsAProblem, &HeadersAreText, &PictureKinds),
)]
pub(super) struct Description;

/// What went wrong (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "described here, written in crate service")]
pub(crate) struct ProblemDocument {
    #[schema(example = "about:blank")]
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    /// Which fields were refused, when the request had fields.
    #[schema(nullable = false)]
    errors: Option<Vec<RefusedField>>,
    /// Finds the request in the services' logs.
    request_id: String,
}

/// One refused field.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described here, written in crate service")]
pub(crate) struct RefusedField {
    field: String,
    detail: String,
}

/// This document.
#[utoipa::path(
    get, path = "/v1/openapi.json", tag = "about", operation_id = "describe",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub(super) async fn document(State(state): State<ApiState>) -> Json<utoipa::openapi::OpenApi> {
    let origin = state.public_origin();
    let mut description = Description::openapi();
    common::tell_bounds(&mut description, &state.ceilings);
    description.servers = Some(vec![Server::new(format!("{origin}/api"))]);
    // Links are at the origin itself, as people see them.
    if let Some(links) = description.paths.paths.get_mut("/images/{id}") {
        links.servers = Some(vec![Server::new(origin)]);
    }
    Json(description)
}
