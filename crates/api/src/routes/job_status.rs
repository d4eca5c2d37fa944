//! `/v1/jobs`: how far a job got.

use axum::Json;
use axum::extract::State;
use jobs::{JobRow, JobState};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::images::{ImageView, find_live};
use crate::error::{ApiError, not_found};
use crate::extract::PathId;
use crate::session::SignedIn;
use crate::state::ApiState;

/// A job, and its output when there is one.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobView {
    pub(super) id: Uuid,
    /// How far it got.
    #[schema(value_type = StateName)]
    state: JobState,
    /// What is done to the picture.
    #[schema(value_type = EffectName)]
    effect: jobs::Effect,
    /// How long the output lives, from its creation on.
    ttl_seconds: u64,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Why there is no output; only when `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    failure: Option<String>,
    /// The output; only when `done`, and only while it lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<ImageView>,
}

/// [`jobs::Effect`], for the document.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case", as = Effect)]
#[expect(dead_code, reason = "described here, written by crate jobs")]
pub(super) enum EffectName {
    Halftone,
    Duotone,
}

/// [`JobState`], for the document.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case", as = JobState)]
#[expect(dead_code, reason = "described here, written by crate jobs")]
enum StateName {
    Queued,
    Running,
    Done,
    Failed,
}

impl JobView {
    pub(super) fn new(job: JobRow, image: Option<ImageView>) -> Self {
        Self {
            id: job.id,
            state: job.state,
            effect: job.effect,
            ttl_seconds: job.ttl.as_secs(),
            created_at: job.created_at,
            failure: job.failure,
            image,
        }
    }
}

/// How far a job got.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "images", operation_id = "getJob", params(("id" = Uuid, Path)),
    security(("session" = [])),
    responses(
        (status = 200, description = "The job", body = JobView),
        (status = 404, description = "No such job of this user"),
    )
)]
pub(super) async fn one(
    State(state): State<ApiState>,
    SignedIn(session): SignedIn,
    PathId(id): PathId,
) -> Result<Json<JobView>, ApiError> {
    find(&state, session.user_id, id).await.map(Json)
}

/// This user's job, and its output while that lives.
pub(super) async fn find(state: &ApiState, user_id: Uuid, id: Uuid) -> Result<JobView, ApiError> {
    let job = jobs::find(&state.pool, id).await?;
    let job = job.filter(|job| job.user_id == user_id).ok_or_else(|| not_found("job"))?;
    let image = match job.image_id {
        Some(image_id) => find_live(state, user_id, image_id).await?,
        None => None,
    };
    Ok(JobView::new(job, image))
}
