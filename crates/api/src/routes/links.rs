//! `/images/{id}?expires=…&signature=…`: the bytes, for whoever holds a link. No session, and no path or
//! query in the log.

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use service::Problem;
use time::OffsetDateTime;

use super::images::SeenImage;
use crate::error::{ApiError, gone};
use crate::link;
use crate::state::ApiState;

/// Fetch an image by its link.
#[utoipa::path(
    get, path = "/images/{id}", tag = "images", operation_id = "followLink",
    params(
        ("id" = uuid::Uuid, Path),
        ("expires" = i64, Query, description = "Unix seconds"),
        ("signature" = String, Query, description = "Base64url, from the api"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the copy at hand"),
    ),
    responses(
        (status = 200, description = "The bytes", content(([u8] = "image/png"), ([u8] = "image/jpeg"))),
        (status = 304, description = "The client has them already (`If-None-Match`)"),
        (status = 403, description = "The link was not made here, or was changed"),
        (status = 410, description = "The link or the image has outlived its time"),
    )
)]
pub(super) async fn follow(
    State(state): State<ApiState>,
    OriginalUri(uri): OriginalUri,
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
    let Some(left_s) = seconds_left(now, link.expires, row.expires_at) else {
        return Err(gone());
    };

    let tag = format!("\"{}\"", row.id.simple());
    let kept = [
        (header::CACHE_CONTROL, value(&format!("private, max-age={left_s}"))?),
        (header::ETAG, value(&tag)?),
    ];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|wanted| wanted.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let stored = state.store.get(row.id).await?.ok_or_else(|| {
        tracing::error!(image_id = %row.id, "image has a row and no object");
        gone()
    })?;
    let described = [
        (header::CONTENT_TYPE, value(&row.content_type)?),
        (header::CONTENT_LENGTH, stored.info.size_bytes.into()),
        // Opened by itself in a browser, it is a picture and nothing that could act.
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    Ok((kept, described, Body::from_stream(stored.content)).into_response())
}

/// Whole seconds for which both link and image live on; none when either is over.
fn seconds_left(now: OffsetDateTime, link_expires: i64, image_expires_at: OffsetDateTime) -> Option<i64> {
    let link_expires_at = OffsetDateTime::from_unix_timestamp(link_expires).ok()?;
    let left = link_expires_at.min(image_expires_at) - now;
    left.is_positive().then(|| left.whole_seconds())
}

fn value(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|_| Problem::internal())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use time::{Duration, OffsetDateTime};

    use super::seconds_left;

    #[rstest]
    #[case::link_ends_first(3, 5_000, Some(3))]
    #[case::image_ends_first(100, 2_500, Some(2))]
    #[case::link_is_over(-1, 5_000, None)]
    #[case::link_is_over_now(0, 5_000, None)]
    #[case::image_is_over(100, -1, None)]
    #[case::image_is_over_now(100, 0, None)]
    #[case::less_than_a_second(100, 400, Some(0))]
    fn link_lives_as_long_as_the_shorter_of_both(
        #[case] link_s: i64,
        #[case] image_ms: i64,
        #[case] left_s: Option<i64>,
    ) {
        let now = OffsetDateTime::from_unix_timestamp(1_000).unwrap();
        assert_eq!(seconds_left(now, 1_000 + link_s, now + Duration::milliseconds(image_ms)), left_s);
    }
}
