//! `/v1/images`: what came of uploads.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jobs::ImageRow;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{ApiError, gone, not_found};
use crate::extract::PathId;
use crate::session::SignedIn;
use crate::state::ApiState;

/// Newest first; a user with more sees the newest.
const LISTED_AT_MOST: i64 = 500;

/// An output and the link to its bytes.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImageView {
    id: Uuid,
    /// What was done to the picture.
    #[schema(value_type = super::job_status::EffectName)]
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

/// List the living images.
#[utoipa::path(
    get, path = "/v1/images", tag = "images", operation_id = "listImages", security(("session" = [])),
    responses(
        (status = 200, description = "The images", body = ImageList),
    )
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    SignedIn(session): SignedIn,
) -> Result<Json<ImageList>, ApiError> {
    let seen: Vec<SeenImage> = sqlx::query_as(
        "select *, now() as now from images where user_id = $1 and expires_at > now() \
         order by created_at desc, id limit $2",
    )
    .bind(session.user_id)
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
        (status = 200, description = "The image", body = ImageView),
        (status = 404, description = "No such image of this user"),
        (status = 410, description = "It has expired or was deleted"),
    )
)]
pub(super) async fn one(
    State(state): State<ApiState>,
    SignedIn(session): SignedIn,
    PathId(id): PathId,
) -> Result<Json<ImageView>, ApiError> {
    match find_live(&state, session.user_id, id).await? {
        Some(image) => Ok(Json(image)),
        None => Err(absent(&state, session.user_id, id).await),
    }
}

/// Delete an image: bytes and row, at once.
#[utoipa::path(
    delete, path = "/v1/images/{id}", tag = "images", operation_id = "deleteImage",
    params(("id" = Uuid, Path)), security(("session" = [])),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such image of this user"),
        (status = 410, description = "It has expired or was deleted"),
    )
)]
pub(super) async fn remove(
    State(state): State<ApiState>,
    SignedIn(session): SignedIn,
    PathId(id): PathId,
) -> Result<StatusCode, ApiError> {
    if find_live(&state, session.user_id, id).await?.is_none() {
        return Err(absent(&state, session.user_id, id).await);
    }
    // The bytes first: should the row's removal fail, the user can ask again, and the sweeper knows of it.
    state.store.delete(id).await?;
    jobs::remove(&state.pool, id).await?;
    tracing::info!(image_id = %id, user_id = %session.user_id, "image deleted");
    Ok(StatusCode::NO_CONTENT)
}
