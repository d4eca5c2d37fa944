//! What routes have in common in the document, derived from what each says of itself: a route with a session may
//! answer 401, one with a body 400, 413, 415 and 422, and so on.

use service::http::problem;
use utoipa::Modify;
use utoipa::openapi::encoding::EncodingBuilder;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{Object, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
};

use crate::config::Ceilings;
use crate::email;

/// How a session is sent.
pub(super) struct SessionScheme;

impl Modify for SessionScheme {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        openapi.components.get_or_insert_default().add_security_scheme("session", scheme);
    }
}

/// What is refused before a handler is asked. A handler that describes a status itself keeps its own words.
pub(super) struct RefusalsOfEveryRoute;

impl Modify for RefusalsOfEveryRoute {
    fn modify(&self, openapi: &mut OpenApi) {
        for operation in operations(openapi) {
            refuse(operation, "429", "Too many requests; see `Retry-After`");
            refuse(operation, "503", "Busy, or something that this needs is away; see `Retry-After`");
            if operation.security.is_some() {
                refuse(operation, "401", "No session");
            }
            let Some(RefOr::T(body)) = &operation.request_body else { continue };
            let is_json = body.content.contains_key("application/json");
            refuse(operation, "400", "The body is malformed");
            refuse(operation, "413", "The body is too large");
            refuse(operation, "415", "The body is not of the content type that this takes");
            refuse(operation, "422", "A field is missing, unknown or refused");
            if is_json {
                refuse(operation, "408", "The body took too long to arrive");
            }
        }
    }
}

fn refuse(operation: &mut Operation, status: &str, description: &str) {
    let response = || RefOr::T(ResponseBuilder::new().description(description).build());
    operation.responses.responses.entry(status.to_owned()).or_insert_with(response);
}

/// The form of every error, and the headers that some of them have.
pub(super) struct EveryErrorIsAProblem;

impl Modify for EveryErrorIsAProblem {
    fn modify(&self, openapi: &mut OpenApi) {
        let schema = Ref::from_schema_name("ProblemDocument");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        for operation in operations(openapi) {
            let waits = operation.operation_id.as_deref() == Some("upload");
            for (status, response) in &mut operation.responses.responses {
                let (RefOr::T(response), true) = (response, status.starts_with(['4', '5'])) else { continue };
                response.content.insert(problem::CONTENT_TYPE.to_owned(), RefOr::T(content.clone()));
                match status.as_str() {
                    "401" => tell_header(response, "WWW-Authenticate", text("`Bearer`")),
                    "429" | "503" => tell_header(response, "Retry-After", seconds()),
                    "409" if waits => tell_header(response, "Retry-After", seconds()),
                    _ => {}
                }
            }
        }
    }
}

fn tell_header(response: &mut Response, name: &str, header: Header) {
    response.headers.insert(name.to_owned(), RefOr::T(header));
}

fn text(description: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

fn seconds() -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some("Whole seconds until it is worth trying again"))
        .build()
}

fn operations(openapi: &mut OpenApi) -> impl Iterator<Item = &mut Operation> {
    openapi
        .paths
        .paths
        .values_mut()
        .flat_map(|item| [&mut item.get, &mut item.post, &mut item.put, &mut item.delete])
        .flatten()
}

/// A header is there or not, and never null.
pub(super) struct HeadersAreText;

impl Modify for HeadersAreText {
    fn modify(&self, openapi: &mut OpenApi) {
        for operation in operations(openapi) {
            for parameter in operation.parameters.iter_mut().flatten() {
                let RefOr::T(parameter) = parameter else { continue };
                if let (ParameterIn::Header, Some(RefOr::T(Schema::Object(schema)))) =
                    (&parameter.parameter_in, &mut parameter.schema)
                {
                    schema.schema_type = Type::String.into();
                }
            }
        }
    }
}

/// The kinds of picture that an upload may be.
pub(super) struct PictureKinds;

impl Modify for PictureKinds {
    fn modify(&self, openapi: &mut OpenApi) {
        for operation in operations(openapi) {
            let Some(RefOr::T(body)) = &mut operation.request_body else { continue };
            if let Some(RefOr::T(form)) = body.content.get_mut("multipart/form-data") {
                let kinds = "image/jpeg, image/png, image/webp".to_owned();
                let encoding = EncodingBuilder::new().content_type(Some(kinds)).build();
                form.encoding.insert("image".to_owned(), encoding);
            }
        }
    }
}

/// Bounds that the code or this deployment's settings say; the document would promise too much without them.
pub(super) fn tell_bounds(openapi: &mut OpenApi, ceilings: &Ceilings) {
    if let Some(field) = find_field(openapi, "NewUser", "email") {
        field.pattern = Some(email::PATTERN.to_owned());
    }
    let fields = [
        ("NewSession", "ttl_seconds", ceilings.session_ttl),
        ("NewSession", "idle_seconds", ceilings.session_idle),
        ("UploadForm", "ttl_seconds", ceilings.output_ttl),
    ];
    for (schema, field, ceiling) in fields {
        if let Some(field) = find_field(openapi, schema, field) {
            field.maximum = usize::try_from(ceiling.as_secs()).ok().map(Into::into);
        }
    }
}

fn find_field<'a>(openapi: &'a mut OpenApi, schema: &str, field: &str) -> Option<&'a mut Object> {
    match openapi.components.as_mut()?.schemas.get_mut(schema)? {
        RefOr::T(Schema::Object(schema)) => match schema.properties.get_mut(field)? {
            RefOr::T(Schema::Object(field)) => Some(field),
            _ => None,
        },
        _ => None,
    }
}
