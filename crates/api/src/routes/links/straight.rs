//! Where people are sent straight to the store (`IMAGE_DELIVERY=redirect`): the way there.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use image_store::{DirectLinks, ImageStore};
use service::Problem;

use super::time_left::TimeLeft;
use super::{Picture, found, value};
use crate::error::ApiError;

/// None where less than a second is left to go it.
pub(super) async fn to_the_store(
    store: &dyn ImageStore,
    links: &DirectLinks,
    picture: Picture<'_>,
    left: TimeLeft,
) -> Result<Option<Response>, ApiError> {
    // The store would answer 404 for what is gone, and hand out what is encrypted as if it were a picture.
    let object = found(store.head(picture.id).await?, picture.id)?;
    if object.size_bytes != picture.size_bytes {
        tracing::error!(
            image_id = %picture.id,
            size_bytes = object.size_bytes,
            "object is not as long as its image; was it put before IMAGE_DELIVERY was changed?"
        );
        return Err(Problem::internal().into());
    }
    let lasts = Duration::from_secs(left.seconds().try_into().unwrap_or_default());
    let Some(link) = links.make(picture.id, picture.content_type, left.now(), lasts) else { return Ok(None) };
    let sent =
        [(header::LOCATION, value(&link)?), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok(Some((StatusCode::FOUND, sent).into_response()))
}
