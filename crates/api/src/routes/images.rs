//! `/v1/images`: uploads, and what came of them.

use std::time::Duration;

use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::{Extension, Json};
use jobs::{ImageRow, JobRow, NewJob};
use serde::Serialize;
use service::Problem;
use service::http::RequestId;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::job_status::JobView;
use crate::error::{ApiError, gone, not_found};
use crate::extract::PathId;
use crate::session::SignedIn;
use crate::state::ApiState;
use crate::upload::{FORM_OVERHEAD_BYTES, Upload, UploadLimits, too_large};

/// Newest first; a user with more sees the newest.
const LISTED_AT_MOST: i64 = 500;

/// An upload that gets no seat by then is refused.
const SEAT_WITHIN: Duration = Duration::from_secs(20);

/// An output and the link to its bytes.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImageView {
    id: Uuid,
    /// `halftone` or `duotone`.
    #[schema(value_type = String, example = "halftone")]
    effect: jobs::Effect,
    #[schema(example = "image/png")]
    content_type: String,
    size_bytes: i64,
    /// Pixels.
    width: i32,
    /// Pixels.
    height: i32,
    /// Palette, perceptual hash, `BlurHash`, dimensions.
    #[schema(value_type = Object)]
    description: serde_json::Value,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// Where the bytes are, for whoever has the link, until the link expires.
    link: String,
}

/// A user's outputs.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImageList {
    /// Newest first, at most 500.
    images: Vec<ImageView>,
}

/// The form of an upload, for the document only; it is read as a stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read field by field in upload.rs")]
pub(crate) struct UploadForm {
    /// A JPEG, PNG or WebP picture.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    image: Vec<u8>,
    /// `halftone` or `duotone`.
    #[schema(example = "halftone")]
    effect: String,
    /// How long the output lives, up to the server's ceiling, which is also the default.
    #[schema(minimum = 1)]
    ttl_seconds: Option<u32>,
}

/// A row, and the database's clock when it was read: expiry is counted there.
pub(super) struct SeenImage {
    pub(super) row: ImageRow,
    pub(super) now: OffsetDateTime,
}

impl FromRow<'_, PgRow> for SeenImage {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self { row: ImageRow::from_row(row)?, now: row.try_get("now")? })
    }
}

impl SeenImage {
    fn view(self, state: &ApiState) -> ImageView {
        let Self { row, now } = self;
        ImageView {
            link: state.links.make(row.id, now, row.expires_at),
            id: row.id,
            effect: row.effect,
            content_type: row.content_type,
            size_bytes: row.size_bytes,
            width: row.width,
            height: row.height,
            description: row.description,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

/// This user's image, if it lives.
pub(super) async fn find_live(state: &ApiState, user_id: Uuid, id: Uuid) -> sqlx::Result<Option<ImageView>> {
    let seen: Option<SeenImage> = sqlx::query_as(
        "select *, now() as now from images where id = $1 and user_id = $2 and expires_at > now()",
    )
    .bind(id)
    .bind(user_id)
    .fetch_optional(&state.pool)
    .await?;
    Ok(seen.map(|seen| seen.view(state)))
}

/// 410 when it was this user's once, which its job remembers; else 404.
async fn absent(state: &ApiState, user_id: Uuid, id: Uuid) -> ApiError {
    let remembered =
        sqlx::query_scalar("select exists (select from jobs where image_id = $1 and user_id = $2)")
            .bind(id)
            .bind(user_id)
            .fetch_one(&state.pool)
            .await;
    match remembered {
        Ok(true) => gone(),
        Ok(false) => not_found("image"),
        Err(error) => error.into(),
    }
}

/// Upload a picture.
#[utoipa::path(
    post, path = "/v1/images", tag = "images", operation_id = "upload", security(("session" = [])),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 202, description = "A job was queued; `Location` is its address", body = JobView),
        (status = 400, description = "The form is malformed"),
        (status = 401, description = "No session"),
        (status = 413, description = "The picture is too large"),
        (status = 415, description = "Not a form, or not a picture"),
        (status = 422, description = "A field is missing or refused"),
    )
)]
pub(super) async fn upload(
    State(state): State<ApiState>,
    user: SignedIn,
    Extension(request_id): Extension<RequestId>,
    request: Request,
) -> Result<(StatusCode, [(header::HeaderName, HeaderValue); 1], Json<JobView>), ApiError> {
    let limits = UploadLimits { picture_bytes: state.limits.upload_bytes, ttl: state.limits.output_ttl };
    let announced_bytes = content_length(&request).unwrap_or_default();
    if announced_bytes > limits.picture_bytes + FORM_OVERHEAD_BYTES {
        return Err(too_large(limits.picture_bytes));
    }
    let seat = tokio::time::timeout(SEAT_WITHIN, state.upload_seats.acquire());
    let _reading = seat.await.map_err(|_| busy())?;
    let form = Multipart::from_request(request, &state).await.map_err(|_| {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the picture as multipart/form-data.")
    })?;
    let upload = Upload::read(form, announced_bytes, limits).await?;
    let job = queue(&state, &user, &request_id, upload).await?;
    let location = HeaderValue::try_from(format!("/v1/jobs/{}", job.id)).map_err(|_| Problem::internal())?;
    let view = Json(JobView::new(job, None));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], view))
}

/// Writes the job's row, then publishes it with its input.
async fn queue(
    state: &ApiState,
    user: &SignedIn,
    request_id: &RequestId,
    upload: Upload,
) -> Result<JobRow, ApiError> {
    let seat = tokio::time::timeout(SEAT_WITHIN, state.publish_seats.acquire());
    let _publishing = seat.await.map_err(|_| busy())?;
    let new = NewJob { id: Uuid::new_v4(), user_id: user.user_id, effect: upload.effect, ttl: upload.ttl };
    let job = jobs::create(&state.pool, new).await?;
    let size_bytes = upload.picture.len();
    let input_ttl = state.limits.input_ttl;
    let published = state.publisher.publish(job.id, request_id.as_str(), upload.picture, input_ttl).await;
    if let Err(error) = published {
        // The user is told to try again, so this job must not stand there queued. If this fails too, the
        // sweeper ends it.
        if let Err(error) = jobs::discard(&state.pool, job.id).await {
            let error = service::postgres::reason(&error);
            tracing::warn!(job_id = %job.id, error, "could not discard a job that was not published");
        }
        return Err(error.into());
    }
    tracing::info!(job_id = %job.id, user_id = %user.user_id, effect = %job.effect, size_bytes, "job queued");
    Ok(job)
}

fn busy() -> ApiError {
    Problem::unavailable("Too many uploads are under way; try again in a moment.").into()
}

fn content_length(request: &Request) -> Option<usize> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// List the living images.
#[utoipa::path(
    get, path = "/v1/images", tag = "images", operation_id = "listImages", security(("session" = [])),
    responses(
        (status = 200, body = ImageList),
        (status = 401, description = "No session"),
    )
)]
pub(super) async fn list(State(state): State<ApiState>, user: SignedIn) -> Result<Json<ImageList>, ApiError> {
    let seen: Vec<SeenImage> = sqlx::query_as(
        "select *, now() as now from images where user_id = $1 and expires_at > now() \
         order by created_at desc, id limit $2",
    )
    .bind(user.user_id)
    .bind(LISTED_AT_MOST)
    .fetch_all(&state.pool)
    .await?;
    Ok(Json(ImageList { images: seen.into_iter().map(|seen| seen.view(&state)).collect() }))
}

/// One living image.
#[utoipa::path(
    get, path = "/v1/images/{id}", tag = "images", operation_id = "getImage", params(("id" = Uuid, Path)),
    security(("session" = [])),
    responses(
        (status = 200, body = ImageView),
        (status = 401, description = "No session"),
        (status = 404, description = "No such image of this user"),
        (status = 410, description = "It has expired or was deleted"),
    )
)]
pub(super) async fn one(
    State(state): State<ApiState>,
    user: SignedIn,
    PathId(id): PathId,
) -> Result<Json<ImageView>, ApiError> {
    match find_live(&state, user.user_id, id).await? {
        Some(image) => Ok(Json(image)),
        None => Err(absent(&state, user.user_id, id).await),
    }
}

/// Delete an image: bytes and row, at once.
#[utoipa::path(
    delete, path = "/v1/images/{id}", tag = "images", operation_id = "deleteImage",
    params(("id" = Uuid, Path)), security(("session" = [])),
    responses(
        (status = 204),
        (status = 401, description = "No session"),
        (status = 404, description = "No such image of this user"),
        (status = 410, description = "It has expired or was deleted"),
    )
)]
pub(super) async fn remove(
    State(state): State<ApiState>,
    user: SignedIn,
    PathId(id): PathId,
) -> Result<StatusCode, ApiError> {
    if find_live(&state, user.user_id, id).await?.is_none() {
        return Err(absent(&state, user.user_id, id).await);
    }
    // The bytes first: should the row's removal fail, the user can ask again, and the sweeper knows of it.
    state.store.delete(id).await?;
    jobs::remove(&state.pool, id).await?;
    tracing::info!(image_id = %id, user_id = %user.user_id, "image deleted");
    Ok(StatusCode::NO_CONTENT)
}
