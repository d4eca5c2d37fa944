//! `/account`, and the ways out.

use axum::extract::{Query, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use service::Problem;
use web::page::{Account, FormError};

use super::{entrance, page as render, redirect};
use crate::api::ApiError;
use crate::cookie;
use crate::error::PageError;
use crate::form::{NoFields, UserForm, form_error};
use crate::notice::{Notice, NoticeQuery};
use crate::state::WebState;
use crate::visitor::SignedIn;

pub(super) async fn page(
    State(state): State<WebState>,
    user: SignedIn,
    Query(query): Query<NoticeQuery>,
) -> Result<Html<String>, PageError> {
    show(&state, &user, query.notice(), None).await
}

async fn show(
    state: &WebState,
    user: &SignedIn,
    notice: Option<Notice>,
    error: Option<FormError>,
) -> Result<Html<String>, PageError> {
    let account = state.api.account(user).await?;
    let (email, created_at) = (account.email, account.created_at);
    Ok(render(&Account { shell: user.shell(notice), email, created_at, error }))
}

#[derive(Deserialize)]
pub(super) struct Passwords {
    #[serde(default)]
    current_password: String,
    #[serde(default)]
    new_password: String,
}

/// Every other session ends; this one stays.
pub(super) async fn change_password(
    State(state): State<WebState>,
    UserForm(user, form): UserForm<Passwords>,
) -> Result<Response, PageError> {
    let changed = state.api.change_password(&user, &form.current_password, &form.new_password).await;
    let problem = match changed {
        Ok(true) => return Ok(redirect("/account", Notice::PasswordChanged).into_response()),
        Ok(false) => Problem::field("current_password", "is not right"),
        Err(ApiError::Refused(problem)) if problem.status().is_client_error() => problem,
        Err(error) => return Err(error.into()),
    };
    let again = show(&state, &user, None, Some(form_error(&problem))).await?;
    Ok(entrance::refused(&problem, again))
}

/// Ends this session. The browser forgets it in any case: whoever logs out at somebody else's desk must not stay
/// logged in because the api is away.
pub(super) async fn log_out(
    State(state): State<WebState>,
    UserForm(user, NoFields {}): UserForm<NoFields>,
) -> Response {
    let notice = match state.api.log_out(&user).await {
        Ok(()) => Notice::LoggedOut,
        Err(_) => Notice::LoggedOutHere,
    };
    logged_out(notice)
}

/// Ends all sessions of the account, this one too. When that fails, nothing is said to have ended.
pub(super) async fn log_out_everywhere(
    State(state): State<WebState>,
    UserForm(user, NoFields {}): UserForm<NoFields>,
) -> Result<Response, PageError> {
    state.api.log_out_everywhere(&user).await?;
    Ok(logged_out(Notice::LoggedOutEverywhere))
}

/// The cookie goes, and with it all that the browser has kept of us.
fn logged_out(notice: Notice) -> Response {
    let headers = [
        (header::SET_COOKIE, cookie::no_session()),
        (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\"")),
    ];
    let on: Redirect = redirect("/log-in", notice);
    (AppendHeaders(headers), on).into_response()
}
