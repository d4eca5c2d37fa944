//! `/assets/{name}`: style sheet, scripts, pictures. A name holds a hash of the content, so it never changes.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use service::Problem;
use web::page::assets;

use crate::error::PageError;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

pub(super) async fn one(Path(name): Path<String>) -> Result<Response, PageError> {
    let asset = assets::find(&name).ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))?;
    let content_type = HeaderValue::from_static(asset.content_type);
    Ok(([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, FOR_EVER)], asset.content)
        .into_response())
}
