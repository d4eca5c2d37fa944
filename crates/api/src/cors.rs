//! What pages of other origins may ask of the api: everything that a session allows, for they have to bring its
//! token along; cookies play no part.

use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use service::Origin;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::upload;

/// A browser asks again after this long.
const PREFLIGHT_HOLDS: Duration = Duration::from_mins(10);

/// Answers preflights, and tells browsers which origins may read an answer: exactly these.
pub(crate) fn layer(allowed: &[Origin]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(allowed.iter().map(Origin::header)))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static(upload::IDEMPOTENCY_KEY),
        ])
        .expose_headers([HeaderName::from_static("x-request-id"), header::RETRY_AFTER, header::LOCATION])
        .max_age(PREFLIGHT_HOLDS)
        .vary([header::ORIGIN])
}
