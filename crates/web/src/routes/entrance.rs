//! `/`, `/sign-up`, `/log-in`: for people who are not signed in yet.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;
use service::{Problem, Secret};
use web::page::{Landing, LogIn, Shell, SignUp};

use super::{page, redirect, visit_page};
use crate::api::{Answer, ApiError, Session};
use crate::cookie;
use crate::destination::Destination;
use crate::error::PageError;
use crate::form::{VisitForm, form_error};
use crate::notice::{Notice, NoticeQuery};
use crate::state::WebState;
use crate::visitor::{MaybeSignedIn, Visit};

/// What this is. Whoever is signed in knows that already.
pub(super) async fn landing(
    State(state): State<WebState>,
    MaybeSignedIn(signed_in): MaybeSignedIn,
) -> Response {
    if signed_in {
        return Redirect::to("/gallery").into_response();
    }
    let longest_seconds = state.config.output_ttl.as_secs();
    page(&Landing { shell: Shell::default(), longest_seconds }).into_response()
}

/// Where to go on to, in an address or a form.
#[derive(Default, Deserialize)]
pub(super) struct Next {
    next: Option<String>,
}

impl Next {
    fn destination(&self) -> Option<Destination> {
        self.next.as_deref().and_then(Destination::parse)
    }

    fn path(&self) -> Option<String> {
        self.destination().map(|destination| destination.to_string())
    }
}

pub(super) async fn sign_up_form(MaybeSignedIn(signed_in): MaybeSignedIn, visit: Visit) -> Response {
    if signed_in {
        return Redirect::to("/gallery").into_response();
    }
    let shell = visit.shell(None);
    visit_page(&visit, page(&SignUp { shell, email: String::new(), error: None }))
}

#[derive(Deserialize)]
pub(super) struct Credentials {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    next: Option<String>,
}

/// Makes the account, and logs in at once.
pub(super) async fn sign_up(
    State(state): State<WebState>,
    VisitForm(visit, form): VisitForm<Credentials>,
) -> Result<Response, PageError> {
    if let Err(error) = state.api.sign_up(&visit.caller, &form.email, &form.password).await {
        let problem = refusal(error)?;
        let mut error = form_error(&problem);
        if problem.status() == StatusCode::CONFLICT {
            error.summary = "There is an account with this e-mail address already. You can log in.".into();
        }
        let shell = visit.shell(None);
        let again = page(&SignUp { shell, email: form.email, error: Some(error) });
        return Ok(visit_page(&visit, refused(&problem, again)));
    }
    match state.api.log_in(&visit.caller, &form.email, &form.password).await {
        Ok(session) => signed_in(&session, redirect("/gallery", Notice::Welcome)),
        Err(_) => Ok(redirect("/log-in", Notice::SignedUp).into_response()),
    }
}

pub(super) async fn log_in_form(
    MaybeSignedIn(signed_in): MaybeSignedIn,
    Query(next): Query<Next>,
    Query(query): Query<NoticeQuery>,
    visit: Visit,
) -> Response {
    if signed_in {
        return Redirect::to(&next.destination().unwrap_or(Destination::Gallery).to_string()).into_response();
    }
    let shell = visit.shell(query.notice());
    visit_page(&visit, page(&LogIn { shell, email: String::new(), next: next.path(), error: None }))
}

/// Every log-in makes a new session, whatever cookie came with it.
pub(super) async fn log_in(
    State(state): State<WebState>,
    VisitForm(visit, form): VisitForm<Credentials>,
) -> Result<Response, PageError> {
    let next = Next { next: form.next };
    let problem = match state.api.log_in(&visit.caller, &form.email, &form.password).await {
        Ok(session) => {
            let path = next.destination().unwrap_or(Destination::Gallery).to_string();
            return signed_in(&session, Redirect::to(&path));
        }
        // The same words for an address that is unknown and for a password that is wrong.
        Err(ApiError::NotSignedIn) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "E-mail address or password is wrong.")
        }
        Err(error) => refusal(error)?,
    };
    let (shell, error) = (visit.shell(None), Some(form_error(&problem)));
    let again = page(&LogIn { shell, email: form.email, next: next.path(), error });
    Ok(visit_page(&visit, refused(&problem, again)))
}

/// Hands the session to the browser.
fn signed_in(session: &Answer<Session>, on: Redirect) -> Result<Response, PageError> {
    let lifetime = session.until(session.body.expires_at);
    let token = Secret::new(session.body.token.as_str());
    let cookie = cookie::session(&token, lifetime).ok_or_else(Problem::internal)?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), on).into_response())
}

/// A refusal that belongs beside its form; anything else has a page of its own.
fn refusal(error: ApiError) -> Result<Problem, PageError> {
    match PageError::from(error) {
        PageError::Told(problem) if problem.status().is_client_error() => Ok(problem),
        error => Err(error),
    }
}

/// The form again, with the refusal's status and, when it is for a time, how long.
pub(super) fn refused(problem: &Problem, form: impl IntoResponse) -> Response {
    let mut headers = HeaderMap::new();
    if let Some(seconds) = problem.retry_after_s() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    (problem.status(), headers, form).into_response()
}
