//! `/jobs/{id}`: waiting for a portrait.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use web::page::{Job as JobPage, JobProgress, JobState as PageState};

use super::{PathId, page as render};
use crate::api::{Job, JobState};
use crate::destination::Destination;
use crate::error::PageError;
use crate::notice::Notice;
use crate::state::WebState;
use crate::visitor::SignedIn;

/// A browser without JavaScript asks again after so long; a portrait takes about a second.
const REFRESH_SECONDS: u32 = 2;

/// The page of a job that is not done; one that is leads on to its image.
pub(super) async fn page(
    State(state): State<WebState>,
    user: SignedIn,
    PathId(id): PathId,
) -> Result<Response, PageError> {
    let job = state.api.job(&user, id).await?.body;
    if let Some(next) = next(&job) {
        return Ok(Redirect::to(&next).into_response());
    }
    let page = JobPage {
        shell: user.shell(None),
        id: job.id.to_string(),
        effect: job.effect,
        state: shown(job.state),
        failure: job.failure,
        refresh_seconds: REFRESH_SECONDS,
    };
    Ok(render(&page).into_response())
}

/// How far it got, for the page's script.
pub(super) async fn state(
    State(state): State<WebState>,
    user: SignedIn,
    PathId(id): PathId,
) -> Result<Json<JobProgress>, PageError> {
    let job = state.api.job(&user, id).await?.body;
    Ok(Json(JobProgress { state: shown(job.state), next: next(&job), failure: job.failure }))
}

/// Where to go on to when the job is done: its image, or to the gallery if that has gone already.
fn next(job: &Job) -> Option<String> {
    match (job.state, &job.image) {
        (JobState::Done, Some(image)) => Some(Destination::Image(image.id).to_string()),
        (JobState::Done, None) => Some(format!("{}?notice={}", Destination::Gallery, Notice::Gone.word())),
        _ => None,
    }
}

fn shown(state: JobState) -> PageState {
    match state {
        JobState::Queued => PageState::Queued,
        JobState::Running => PageState::Running,
        JobState::Done => PageState::Done,
        JobState::Failed => PageState::Failed,
    }
}
