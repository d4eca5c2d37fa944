//! Forms that people send: short, and with the token of the page that they stand on. A handler that takes one
//! cannot forget to check it.

use std::time::Duration;

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use service::Problem;
use web::page::{FieldError, FormError, length_in_words};

use crate::csrf::Csrf;
use crate::error::{PageError, words};
use crate::visitor::{SignedIn, Visit};

/// A few hundred bytes take no longer, on any line.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// A form of somebody who is signed in.
pub(crate) struct UserForm<T>(pub(crate) SignedIn, pub(crate) T);

/// A form of somebody who is not.
pub(crate) struct VisitForm<T>(pub(crate) Visit, pub(crate) T);

/// A form of which only the token counts.
#[derive(Deserialize)]
pub(crate) struct NoFields {}

#[derive(Deserialize)]
struct Sent<T> {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    fields: T,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for UserForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let user = SignedIn::from_request_parts(&mut parts, state).await?;
        let fields = read(Request::from_parts(parts, body), state, &user.csrf()).await?;
        Ok(Self(user, fields))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for VisitForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, state).await?;
        let fields = read(Request::from_parts(parts, body), state, &visit.csrf()).await?;
        Ok(Self(visit, fields))
    }
}

async fn read<S: Send + Sync, T: DeserializeOwned>(
    request: Request,
    state: &S,
    csrf: &Csrf,
) -> Result<T, Problem> {
    let read = tokio::time::timeout(BODY_WITHIN, Form::<Sent<T>>::from_request(request, state));
    let Form(sent) = read
        .await
        .map_err(|_| Problem::of_status(StatusCode::REQUEST_TIMEOUT))?
        .map_err(|rejection| Problem::of_status(rejection.status()))?;
    if csrf.accepts(&sent.csrf) { Ok(sent.fields) } else { Err(not_from_our_page()) }
}

/// 403 for a form that no page of ours has shown to this browser, or not in this session.
pub(crate) fn not_from_our_page() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "This form is out of date: you have logged in or out since it was opened, or your browser keeps no \
         cookies. Nothing was done. Please go back, load the page again, and send the form once more.",
    )
}

/// A refusal, to be shown beside the form that was refused.
pub(crate) fn form_error(problem: &Problem) -> FormError {
    let fields = problem.errors().iter();
    let fields: Vec<_> = fields
        .map(|error| FieldError { field: error.field.to_owned(), detail: error.detail.clone() })
        .collect();
    let summary = match problem.retry_after_s() {
        _ if !fields.is_empty() => "Please have a look at what is marked below.".to_owned(),
        Some(seconds) => format!("{} Wait {} at least.", words(problem), length_in_words(seconds)),
        None => words(problem),
    };
    FormError { summary, fields }
}
