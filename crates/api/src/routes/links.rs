//! `/images/{id}?expires=…&signature=…`: the bytes, for whoever holds a link. No session, and no path or
//! query in the log.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use image_store::StoredImage;
use jobs::ImageRow;
use service::{Problem, error_chain};
use time::OffsetDateTime;
use uuid::Uuid;

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
        (status = 302, description = "The bytes are there, for some seconds (where `IMAGE_DELIVERY` is `redirect`)"),
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
    if let Some(straight) = straight_to_the_store(&state, &row, now, left_s).await? {
        return Ok(straight);
    }
    let stored = state.store.get(row.id).await?.ok_or_else(|| no_object(row.id))?;
    Ok((kept, picture(&row.content_type, stored)?).into_response())
}

/// Where people are sent straight to the store: the way there, unless less than a second is left to go it.
async fn straight_to_the_store(
    state: &ApiState,
    row: &ImageRow,
    now: OffsetDateTime,
    left_s: i64,
) -> Result<Option<Response>, ApiError> {
    let Some(links) = &state.direct_links else { return Ok(None) };
    // The store would answer 404 for what is gone, and hand out what is encrypted as if it were a picture.
    let object = state.store.head(row.id).await?.ok_or_else(|| no_object(row.id))?;
    if i64::try_from(object.size_bytes) != Ok(row.size_bytes) {
        tracing::error!(
            image_id = %row.id,
            size_bytes = object.size_bytes,
            "object is not as long as its image; was it put before IMAGE_DELIVERY was changed?"
        );
        return Err(Problem::internal().into());
    }
    let left = Duration::from_secs(u64::try_from(left_s).unwrap_or_default());
    let Some(link) = links.make(row.id, &row.content_type, now, left) else { return Ok(None) };
    let sent =
        [(header::LOCATION, value(&link)?), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok(Some((StatusCode::FOUND, sent).into_response()))
}

fn no_object(image_id: Uuid) -> ApiError {
    tracing::error!(%image_id, "image has a row and no object");
    gone()
}

/// The bytes themselves. What is wrong with an image from its beginning was found before this; what is found later ends
/// the body in an error, and the connection with it: the client knows that it has half a picture.
fn picture(content_type: &str, stored: StoredImage) -> Result<Response, Problem> {
    let described = [
        (header::CONTENT_TYPE, value(content_type)?),
        (header::CONTENT_LENGTH, stored.info.size_bytes.into()),
        // Opened by itself in a browser, it is a picture and nothing that could act.
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    let image_id = stored.info.id;
    let content = stored.content.inspect_err(move |error| {
        tracing::error!(%image_id, dependency = "image_store", error = error_chain(error), "image broken off");
    });
    Ok((described, Body::from_stream(content)).into_response())
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
    use std::future::IntoFuture;
    use std::sync::Arc;

    use axum::Router;
    use axum::response::{IntoResponse, Response};
    use axum::routing::get;
    use bytes::Bytes;
    use image_store::{Encrypted, ImageStore, Keys, Memory};
    use rstest::rstest;
    use time::{Duration, OffsetDateTime};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use uuid::Uuid;

    use super::{picture, seconds_left};
    use crate::error::ApiError;

    const KEY: &str = "a key that nobody would ever guess";
    const OTHER_KEY: &str = "another key that nobody would guess";
    /// More than the store holds of it at a time.
    const SIZE: usize = 300_000;

    /// An image in the store, its object altered by `alter` after that.
    async fn altered(keys: &str, alter: fn(&mut Vec<u8>)) -> (Encrypted<Memory>, Uuid) {
        let (objects, id) = (Memory::new(), Uuid::new_v4());
        let put = Encrypted::over(objects.clone(), Keys::parse(KEY).unwrap());
        put.put(id, Bytes::from(vec![7; SIZE]).into()).await.unwrap();
        let mut object = objects.get(id).await.unwrap().unwrap().into_bytes().await.unwrap().to_vec();
        alter(&mut object);
        objects.put(id, Bytes::from(object).into()).await.unwrap();
        (Encrypted::over(objects, Keys::parse(keys).unwrap()), id)
    }

    async fn followed(store: &impl ImageStore, id: Uuid) -> Result<Response, ApiError> {
        Ok(picture("image/png", store.get(id).await?.unwrap())?)
    }

    /// Every byte of the answer, head and body, as it comes through a connection.
    async fn over_the_network(store: Encrypted<Memory>, id: Uuid) -> Vec<u8> {
        let store = Arc::new(store);
        let answer = move || {
            let store = Arc::clone(&store);
            async move { followed(&*store, id).await }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(axum::serve(listener, Router::new().route("/", get(answer))).into_future());
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: api\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut came = Vec::new();
        // A connection that is broken off may end in an error.
        let _ = client.read_to_end(&mut came).await;
        server.abort();
        came
    }

    #[rstest]
    #[case::altered_at_the_beginning(KEY, |object: &mut Vec<u8>| object[100] ^= 1)]
    #[case::cut_off(KEY, |object: &mut Vec<u8>| object.truncate(200_000))]
    #[case::emptied(KEY, Vec::clear)]
    #[case::of_a_lost_key(OTHER_KEY, |_: &mut Vec<u8>| ())]
    #[tokio::test]
    async fn image_that_cannot_be_right_is_a_server_error_and_never_gone(
        #[case] keys: &str,
        #[case] alter: fn(&mut Vec<u8>),
    ) {
        let (store, id) = altered(keys, alter).await;
        let answer = followed(&store, id).await.into_response();
        assert_eq!(answer.status(), 500);
    }

    #[tokio::test]
    async fn image_altered_after_its_beginning_breaks_the_connection_off_before_its_length_is_reached() {
        let (store, id) = altered(KEY, |object| object[200_000] ^= 1).await;
        let came = over_the_network(store, id).await;
        // How much is sent before the error is found is the server's affair; it may be nothing at all.
        let head = came.windows(4).position(|end| end == b"\r\n\r\n").map_or(came.len(), |end| end + 4);
        assert!(came.len() < head + SIZE, "all {SIZE} bytes came");
        assert!(came[head..].iter().all(|byte| *byte == 7), "bytes came that were never put");
        let told = String::from_utf8_lossy(&came[..head]).to_lowercase();
        assert!(head == 0 || told.contains(&format!("content-length: {SIZE}")), "{told}");
    }

    #[tokio::test]
    async fn image_that_is_as_it_was_put_comes_whole() {
        let (store, id) = altered(KEY, |_| ()).await;
        let came = over_the_network(store, id).await;
        assert!(came.ends_with(&vec![7; SIZE]));
    }

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
