//! `/images/{id}?expires=…&signature=…`: the bytes, for whoever holds a link. No session, and no path or
//! query in the log.

mod condition;
mod range;
mod straight;
#[cfg(test)]
mod tests;
mod time_left;

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use image_store::{DirectLinks, ImageStore, StoredImage};
use service::{Problem, error_chain};
use uuid::Uuid;

use super::images::SeenImage;
use crate::error::{ApiError, gone};
use crate::link;
use crate::state::ApiState;
use condition::Condition;
use range::Wanted;
use time_left::TimeLeft;

/// Fetch an image by its link.
///
/// A link has one spelling: any change to it is refused, further query parameters too. `Cache-Control`, `Expires` and
/// `Date` tell how long link and image live on, by one clock.
#[utoipa::path(
    get, path = "/images/{id}", tag = "images", operation_id = "followLink",
    params(
        ("id" = uuid::Uuid, Path),
        ("expires" = i64, Query, description = "Unix seconds"),
        ("signature" = String, Query, description = "Base64url, from the api"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the image must have"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the copy at hand"),
        ("Range" = Option<String>, Header, description = "Which bytes; several ranges at once get the whole"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the copy that lacks this range"),
    ),
    responses(
        (
            status = 200, description = "The bytes",
            content(([u8] = "image/png"), ([u8] = "image/jpeg")),
            headers(
                ("Cache-Control" = String, description = "`private`, for as long as link and image live"),
                ("Expires" = String, description = "When link or image ends, whichever is first"),
                ("ETag" = String, description = "Always the same for the same image"),
                ("Accept-Ranges" = String, description = "`bytes`"),
            ),
        ),
        (
            status = 206, description = "Those of the bytes that `Range` asks for",
            content(([u8] = "image/png"), ([u8] = "image/jpeg")),
            headers(("Content-Range" = String, description = "Which bytes these are, and of how many")),
        ),
        (status = 302, description = "The bytes are there, for some seconds (where `IMAGE_DELIVERY` is `redirect`)"),
        (status = 304, description = "The client has them already (`If-None-Match`)"),
        (status = 403, description = "The link was not made here, or was changed"),
        (status = 410, description = "The link or the image has outlived its time"),
        (status = 412, description = "The image is another one than `If-Match` names"),
        (
            status = 416, description = "The image is not as long as `Range` would have it",
            headers(("Content-Range" = String, description = "How many bytes there are")),
        ),
    )
)]
pub(super) async fn follow(
    State(state): State<ApiState>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (id, query) = link::parts(&uri);
    let link = state.links.verify(id, query).map_err(|_| {
        Problem::new(StatusCode::FORBIDDEN, "The link was not made here, or it was changed since.")
    })?;
    let seen: Option<SeenImage> = sqlx::query_as("select *, now() as now from images where id = $1")
        .bind(link.image_id)
        .fetch_optional(&state.pool)
        .await?;
    let SeenImage { row, now } = seen.ok_or_else(gone)?;
    let left = TimeLeft::of(now, link.expires, row.expires_at).ok_or_else(gone)?;
    let picture = Picture {
        id: row.id,
        content_type: &row.content_type,
        size_bytes: row.size_bytes.try_into().map_err(|_| Problem::internal())?,
    };
    answer(&*state.store, state.direct_links.as_ref(), picture, left, &method, &headers).await
}

/// What the row says of an image.
#[derive(Clone, Copy)]
struct Picture<'a> {
    id: Uuid,
    content_type: &'a str,
    size_bytes: u64,
}

/// The answer to a link that is good: the image, a part of it, or that the client has it already.
async fn answer(
    store: &dyn ImageStore,
    direct_links: Option<&DirectLinks>,
    picture: Picture<'_>,
    left: TimeLeft,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let Picture { id, content_type, size_bytes } = picture;
    // An image never changes, so its id is all there is to tell.
    let tag = format!("\"{}\"", id.simple());
    let kept = (left.headers()?, [(header::ETAG, value(&tag)?)]);
    match condition::of(headers, &tag) {
        Condition::Holds => {}
        Condition::NotModified => return Ok((StatusCode::NOT_MODIFIED, kept).into_response()),
        Condition::Fails => {
            let told = "The image is another one than the one that If-Match names.";
            return Err(Problem::new(StatusCode::PRECONDITION_FAILED, told).into());
        }
    }
    // A presigned URL is for GET alone: its method is signed too.
    if method == Method::GET
        && let Some(links) = direct_links
        && let Some(sent) = straight::to_the_store(store, links, picture, left).await?
    {
        return Ok(sent);
    }
    let described = [
        (header::CONTENT_TYPE, value(content_type)?),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        // Opened by itself in a browser, it is a picture and nothing that could act.
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    // Only GET has ranges (RFC 9110, 14.2). HEAD is answered without reading the image.
    if method == Method::HEAD {
        found(store.head(id).await?, id)?;
        return Ok((kept, described, [(header::CONTENT_LENGTH, size_bytes)]).into_response());
    }
    match range::wanted(headers, &tag, size_bytes) {
        Wanted::Whole => {
            let stored = found(store.get(id).await?, id)?;
            let size = [(header::CONTENT_LENGTH, stored.info.size_bytes)];
            Ok((kept, described, size, body(stored)).into_response())
        }
        Wanted::Part(part) => {
            let told = format!("bytes {}-{}/{size_bytes}", part.start, part.end - 1);
            let of_part = [
                (header::CONTENT_RANGE, value(&told)?),
                (header::CONTENT_LENGTH, (part.end - part.start).into()),
            ];
            let stored = found(store.get_range(id, part).await?, id)?;
            Ok((StatusCode::PARTIAL_CONTENT, kept, described, of_part, body(stored)).into_response())
        }
        Wanted::Beyond => {
            let told = format!("The image has {size_bytes} bytes, and none of those that Range asks for.");
            let size = [(header::CONTENT_RANGE, value(&format!("bytes */{size_bytes}"))?)];
            Ok((size, Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, told)).into_response())
        }
    }
}

/// What the store has of an image that has a row.
fn found<T>(in_store: Option<T>, image_id: Uuid) -> Result<T, ApiError> {
    in_store.ok_or_else(|| {
        tracing::error!(%image_id, "image has a row and no object");
        gone()
    })
}

/// The bytes themselves. What is wrong with an image from its beginning was found before this; what is found later ends
/// the body in an error, and the connection with it: the client knows that it has half a picture.
fn body(stored: StoredImage) -> Body {
    let image_id = stored.info.id;
    Body::from_stream(stored.content.inspect_err(move |error| {
        tracing::error!(%image_id, dependency = "image_store", error = error_chain(error), "image broken off");
    }))
}

fn value(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|_| Problem::internal())
}
