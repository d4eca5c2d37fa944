//! `POST /gallery`: a photo, passed on to the api while it comes in.

use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;
use service::Problem;
use uuid::Uuid;

use super::{entrance, gallery};
use crate::api::Photo;
use crate::error::{PageError, wants_json};
use crate::form::form_error;
use crate::state::WebState;
use crate::upload::{self, Asked, FORM_OVERHEAD_BYTES};
use crate::visitor::SignedIn;

/// On to the job's page; a script gets its address as JSON. What is wrong with the photo is told beside the form.
pub(super) async fn upload(
    State(state): State<WebState>,
    user: SignedIn,
    request: Request,
) -> Result<Response, PageError> {
    let json = wants_json(request.headers());
    let mut asked = Asked::default();
    match receive(&state, &user, request, &mut asked).await.map_err(for_people) {
        Ok(job) if json => {
            let job = format!("/jobs/{job}");
            Ok((StatusCode::ACCEPTED, Json(json!({"job": job}))).into_response())
        }
        Ok(job) => Ok(Redirect::to(&format!("/jobs/{job}")).into_response()),
        Err(PageError::Told(problem)) if !json && is_about_the_photo(problem.status()) => {
            let error = Some(form_error(&problem));
            let again = gallery::show(&state, &user, 1, None, asked, error).await?;
            Ok(entrance::refused(&problem, again))
        }
        Err(error) => Err(error),
    }
}

/// The api speaks of idempotency keys; a person has sent a form twice.
fn for_people(error: PageError) -> PageError {
    match error {
        PageError::Told(problem) if problem.status() == StatusCode::CONFLICT => {
            let detail = "This form was sent twice, and its first photo is still coming in. \
                          In a moment its portrait is in your gallery.";
            Problem::new(StatusCode::CONFLICT, detail).retry_after(Duration::from_secs(1)).into()
        }
        error => error,
    }
}

fn is_about_the_photo(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::CONFLICT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::TOO_MANY_REQUESTS
    )
}

/// Reads the form and passes the photo on at the same time. Returns the job's id.
async fn receive(
    state: &WebState,
    user: &SignedIn,
    request: Request,
    asked: &mut Asked,
) -> Result<Uuid, PageError> {
    let max_bytes = state.config.upload_bytes;
    if announced_bytes(&request) > max_bytes + FORM_OVERHEAD_BYTES {
        return Err(upload::too_large(max_bytes).into());
    }
    let mut form = Multipart::from_request(request, state)
        .await
        .map_err(|_| Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))?;
    let field = upload::begin(&mut form, &user.csrf(), asked).await?;

    let content_type = field.content_type().map(ToOwned::to_owned);
    let (sender, photo) = Photo::channel();
    let mut answer = std::pin::pin!(state.api.upload(user, asked, content_type.as_deref(), photo));
    // An answer before the end of the photo is a refusal; the rest of the form is drained by an outer layer.
    let sender = tokio::select! {
        answer = &mut answer => return Ok(answer?),
        sender = upload::pass_on(field, sender, max_bytes) => sender?,
    };
    tokio::select! {
        answer = &mut answer => return Ok(answer?),
        ended = upload::end(&mut form, sender) => ended?,
    }
    Ok(answer.await?)
}

fn announced_bytes(request: &Request) -> usize {
    let length = request.headers().get(header::CONTENT_LENGTH);
    length.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or_default()
}
