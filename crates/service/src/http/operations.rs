//! What operators and health checks ask: `/health`, `/ready`, `/metrics`.

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};

use crate::{Metrics, Readiness, metrics};

/// `/health` says that the process is alive and touches no dependency; `/ready` tries each dependency;
/// `/metrics` counts.
pub fn routes(readiness: Readiness, metrics: Metrics) -> Router {
    Router::new()
        .route("/health", get(|| async { Json(serde_json::json!({"status": "ok"})) }))
        .route(
            "/ready",
            get(move || {
                let readiness = readiness.clone();
                async move {
                    let report = readiness.report().await;
                    let status =
                        if report.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                    (status, [(header::CACHE_CONTROL, "no-store")], Json(report)).into_response()
                }
            }),
        )
        .route(
            "/metrics",
            get(move || {
                let metrics = metrics.clone();
                async move { ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics.encode()) }
            }),
        )
}
