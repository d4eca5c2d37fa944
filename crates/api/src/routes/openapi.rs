//! `/v1/openapi.json`: the api's own description.

use axum::Json;
use axum::extract::State;
use service::http::problem;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Server};
use utoipa::{Modify, OpenApi, ToSchema};

use crate::state::ApiState;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Shakedown's reference api",
        description = "Sign up, upload a photo, get back a stylised portrait and a link that dies on time. \
                       Every error is a problem document (RFC 9457).",
    ),
    paths(
        super::users::sign_up,
        super::sessions::log_in,
        super::sessions::log_out,
        super::images::upload,
        super::images::list,
        super::images::one,
        super::images::remove,
        super::job_status::one,
        super::links::follow,
        document,
    ),
    components(schemas(ProblemDocument)),
    modifiers(&SessionScheme, &EveryErrorIsAProblem),
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

struct SessionScheme;

impl Modify for SessionScheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        openapi.components.get_or_insert_default().add_security_scheme("session", scheme);
    }
}

/// A handler names its errors; that all of them are problem documents is said here, once.
struct EveryErrorIsAProblem;

impl Modify for EveryErrorIsAProblem {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let schema = Ref::from_schema_name("ProblemDocument");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        for item in openapi.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.post, &mut item.delete];
            let responses =
                operations.into_iter().flatten().flat_map(|operation| &mut operation.responses.responses);
            for (status, response) in responses {
                if let (RefOr::T(response), true) = (response, status.starts_with(['4', '5'])) {
                    response.content.insert(problem::CONTENT_TYPE.to_owned(), RefOr::T(content.clone()));
                }
            }
        }
    }
}

/// This document.
#[utoipa::path(
    get, path = "/v1/openapi.json", tag = "about", operation_id = "describe",
    responses((status = 200, body = Object))
)]
pub(super) async fn document(State(state): State<ApiState>) -> Json<utoipa::openapi::OpenApi> {
    let origin = state.public_origin();
    let mut description = Description::openapi();
    description.servers = Some(vec![Server::new(format!("{origin}/api"))]);
    // Links are at the origin itself, as people see them.
    if let Some(links) = description.paths.paths.get_mut("/images/{id}") {
        links.servers = Some(vec![Server::new(origin)]);
    }
    Json(description)
}
