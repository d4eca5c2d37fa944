//! The limit on a client's requests, around the routes.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service::http::ClientAddress;

use super::Limiter;

/// Counts every request to its client.
pub(crate) async fn every_request(
    State(limiter): State<Limiter>,
    Extension(client): Extension<ClientAddress>,
    request: Request,
    next: Next,
) -> Response {
    match limiter.request_of_client(client).await {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

/// Counts what the CORS layer answers by itself. It stands outside of that layer, and [`every_request`] inside, so
/// that a page of an allowed origin can read its refusals.
pub(crate) async fn preflights(
    limiter: State<Limiter>,
    client: Extension<ClientAddress>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() == Method::OPTIONS {
        every_request(limiter, client, request, next).await
    } else {
        next.run(request).await
    }
}
