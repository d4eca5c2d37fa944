//! `POST /v1/images`: a picture comes in, a job comes of it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::{Extension, Json};
use jobs::{JobRow, NewJob};
use service::Problem;
use service::http::RequestId;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;
use utoipa::ToSchema;
use uuid::Uuid;

use super::job_status::{self, JobView};
use crate::error::ApiError;
use crate::session::SignedIn;
use crate::state::ApiState;
use crate::upload::{Claimed, FORM_OVERHEAD_BYTES, Slot, Upload, UploadLimits, claim, take_slot, too_large};

/// An upload that gets no seat by then is refused.
const SEAT_WITHIN: Duration = Duration::from_secs(20);

/// The form of an upload, for the document only; it is read as a stream.
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field in upload/form.rs")]
pub(crate) struct UploadForm {
    /// A JPEG, PNG or WebP picture.
    #[schema(value_type = String, format = Binary, min_length = 1)]
    image: Vec<u8>,
    /// What is done to the picture.
    #[schema(value_type = super::job_status::EffectName)]
    effect: jobs::Effect,
    /// How long the output lives, up to the server's ceiling, which is also the default.
    #[schema(minimum = 1, nullable = false)]
    ttl_seconds: Option<u32>,
}

/// A job was accepted: where it is, and how far it got.
type Accepted = (StatusCode, [(header::HeaderName, HeaderValue); 1], Json<JobView>);

/// Upload a picture.
///
/// With an `Idempotency-Key`, sending the same upload again within ten minutes is answered with the job of the
/// first.
#[utoipa::path(
    post, path = "/v1/images", tag = "images", operation_id = "upload", security(("session" = [])),
    params((
        "Idempotency-Key" = Option<String>, Header, min_length = 8, max_length = 64,
        pattern = "^[A-Za-z0-9_-]{8,64}$", description = "Of the client's choice, one per upload"
    )),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (
            status = 202, description = "A job was queued, now or by the first upload with this key",
            body = JobView, headers(("Location" = String, description = "The job's address")),
        ),
        (status = 409, description = "The first upload with this key is still being received"),
    )
)]
pub(super) async fn upload(
    State(state): State<ApiState>,
    SignedIn(session): SignedIn,
    Extension(request_id): Extension<RequestId>,
    request: Request,
) -> Result<Accepted, ApiError> {
    let user_id = session.user_id;
    let claim = match claim(&state.redis, user_id, request.headers()).await? {
        Claimed::First(claim) => claim,
        Claimed::Again(job_id) => return accepted(job_status::find(&state, user_id, job_id).await?),
    };
    let received = match receive(&state, user_id, request).await {
        Ok(received) => received,
        Err(refused) => {
            claim.free().await;
            return Err(refused);
        }
    };
    // From here on it is done to the end, even if the client hangs up: what it has sent is in, and when it comes
    // back with its key it gets this job.
    let queued = async move {
        match queue(&state, user_id, &request_id, received).await {
            Ok(job) => {
                claim.keep(job.id).await;
                Ok(job)
            }
            Err(error) => {
                claim.free().await;
                Err(error)
            }
        }
    };
    let queued = tokio::spawn(queued.in_current_span()).await;
    let job = queued.unwrap_or_else(|_| Err(Problem::internal().into()))?;
    accepted(JobView::new(job, None))
}

fn accepted(job: JobView) -> Result<Accepted, ApiError> {
    let location = HeaderValue::try_from(format!("/v1/jobs/{}", job.id)).map_err(|_| Problem::internal())?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(job)))
}

/// An upload in memory. Its seat and its account's slot are free again when it is not there any more.
struct Received {
    upload: Upload,
    _seat: OwnedSemaphorePermit,
    _slot: Slot,
}

/// Reads the form, after everything that could refuse it unread.
async fn receive(state: &ApiState, user_id: Uuid, request: Request) -> Result<Received, ApiError> {
    let limits = UploadLimits { picture_bytes: state.ceilings.upload_bytes, ttl: state.ceilings.output_ttl };
    // Web passes a photo on in pieces, whose sum nobody knows yet; memory that is not written to costs nothing.
    let announced_bytes = content_length(&request).unwrap_or(limits.picture_bytes);
    if announced_bytes > limits.picture_bytes + FORM_OVERHEAD_BYTES {
        return Err(too_large(limits.picture_bytes));
    }
    state.limiter.upload(user_id).await?;
    let held = jobs::held(&state.pool, user_id).await?;
    if held.count >= state.ceilings.quota_images {
        return Err(over_quota(held.frees_in));
    }
    let slot = take_slot(&state.redis, user_id).await?;
    let seat = tokio::time::timeout(SEAT_WITHIN, Arc::clone(&state.upload_seats).acquire_owned());
    // The semaphore is never closed.
    let seat = seat.await.map_err(|_| busy())?.map_err(|_| busy())?;
    let form = Multipart::from_request(request, state).await.map_err(|_| {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the picture as multipart/form-data.")
    })?;
    let upload = Upload::read(form, announced_bytes, limits).await?;
    Ok(Received { upload, _seat: seat, _slot: slot })
}

/// Writes the job's row, then publishes it with its input.
async fn queue(
    state: &ApiState,
    user_id: Uuid,
    request_id: &RequestId,
    Received { upload, _seat, _slot }: Received,
) -> Result<JobRow, ApiError> {
    let seat = tokio::time::timeout(SEAT_WITHIN, state.publish_seats.acquire());
    let _publishing = seat.await.map_err(|_| busy())?;
    let new = NewJob { id: Uuid::new_v4(), user_id, effect: upload.effect, ttl: upload.ttl };
    let Some(job) = jobs::create(&state.pool, new, state.ceilings.quota_images).await? else {
        return Err(over_quota(jobs::held(&state.pool, user_id).await?.frees_in));
    };
    let size_bytes = upload.picture.len();
    let input_ttl = state.ceilings.input_ttl;
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
    tracing::info!(job_id = %job.id, %user_id, effect = %job.effect, size_bytes, "job queued");
    Ok(job)
}

fn busy() -> ApiError {
    Problem::unavailable("Too many uploads are under way; try again in a moment.").into()
}

/// 429. When the first image expires there is room again; until then only deleting one helps.
fn over_quota(frees_in: Option<Duration>) -> ApiError {
    let detail = "This account holds as many images and unfinished jobs as it may; \
                  delete an image, or wait until one expires.";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(frees_in.unwrap_or_default()).into()
}

fn content_length(request: &Request) -> Option<usize> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
