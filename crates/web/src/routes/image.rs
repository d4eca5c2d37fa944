//! `/gallery/{id}`: one portrait, its picture, its end.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use service::Problem;
use web::page::{Description, Image as ImagePage};

use super::{PathId, page as render, redirect};
use crate::api::{ApiError, Image};
use crate::error::PageError;
use crate::form::{NoFields, UserForm};
use crate::notice::Notice;
use crate::state::WebState;
use crate::visitor::SignedIn;

pub(super) async fn page(
    State(state): State<WebState>,
    user: SignedIn,
    PathId(id): PathId,
) -> Result<Html<String>, PageError> {
    let answer = state.api.image(&user, id).await?;
    let image = &answer.body;
    Ok(render(&ImagePage {
        shell: user.shell(None),
        id: image.id.to_string(),
        effect: image.effect.clone(),
        seconds_left: answer.until(image.expires_at).as_secs(),
        lifetime_seconds: lifetime_seconds(image),
        description: description(image),
        link: image.link.clone(),
        link_seconds_left: image.link_expires_at().map(|moment| answer.until(moment).as_secs()),
    }))
}

/// On to the bytes, by a fresh link. The same browser in the same session may follow that link again while it
/// lives, and then finds the bytes in its cache as well.
pub(super) async fn picture(
    State(state): State<WebState>,
    user: SignedIn,
    PathId(id): PathId,
) -> Result<Response, PageError> {
    let answer = state.api.image(&user, id).await?;
    let left = answer.body.link_expires_at().map_or(0, |moment| answer.until(moment).as_secs());
    // A second less: the clock that was asked tells whole seconds.
    let kept = HeaderValue::try_from(format!("private, max-age={}", left.saturating_sub(1)));
    let link = HeaderValue::try_from(answer.body.link.as_str());
    let (Ok(kept), Ok(link)) = (kept, link) else {
        return Err(Problem::internal().into());
    };
    let headers = [
        (header::LOCATION, link),
        (header::CACHE_CONTROL, kept),
        (header::VARY, HeaderValue::from_static("Cookie")),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}

/// Deletes it at once. One that is gone already is as good as deleted.
pub(super) async fn delete(
    State(state): State<WebState>,
    PathId(id): PathId,
    UserForm(user, NoFields {}): UserForm<NoFields>,
) -> Result<Redirect, PageError> {
    match state.api.delete_image(&user, id).await {
        Ok(()) => Ok(redirect("/gallery", Notice::Deleted)),
        Err(ApiError::Refused(problem)) if problem.status() == StatusCode::GONE => {
            Ok(redirect("/gallery", Notice::Gone))
        }
        Err(error) => Err(error.into()),
    }
}

/// From its creation to its end.
pub(super) fn lifetime_seconds(image: &Image) -> u64 {
    u64::try_from((image.expires_at - image.created_at).whole_seconds()).unwrap_or_default()
}

/// What the page says that it looks like.
pub(super) fn description(image: &Image) -> Description {
    let described = &image.description;
    Description {
        width: described.width,
        height: described.height,
        size_bytes: image.size_bytes,
        palette: described.palette.clone(),
        perceptual_hash: described.perceptual_hash.clone(),
        blurhash: described.blurhash.clone(),
    }
}
