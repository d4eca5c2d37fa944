//! What a handler can fail with, and the words in which a person is told.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use service::Problem;
use service::http::RequestId;
use web::page::{ErrorPage, Shell, render};

use crate::api::ApiError;
use crate::cookie::{self, Sent};
use crate::csrf::Csrf;

/// A handler's error.
#[derive(Debug)]
pub(crate) enum PageError {
    /// Nobody is signed in, or not any more; [`crate::session`] leads to the log-in page.
    NotSignedIn,
    /// Becomes a page of its own, or JSON for a script.
    Told(Problem),
}

/// Marks a response of somebody who is not signed in.
#[derive(Clone, Copy)]
pub(crate) struct NotSignedIn;

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::Told(problem) => problem.into_response(),
            Self::NotSignedIn => {
                let mut response = StatusCode::UNAUTHORIZED.into_response();
                response.extensions_mut().insert(NotSignedIn);
                response
            }
        }
    }
}

impl From<Problem> for PageError {
    fn from(problem: Problem) -> Self {
        Self::Told(problem)
    }
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::NotSignedIn => Self::NotSignedIn,
            ApiError::Refused(problem) => Self::Told(problem),
        }
    }
}

/// Whether a script asks, which wants JSON and no page. Browsers never ask for JSON by themselves.
pub(crate) fn wants_json(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).into_iter().any(|accept| {
        accept.as_bytes().windows(16).any(|part| part.eq_ignore_ascii_case(b"application/json"))
    })
}

/// Writes an error as a page, or as `{"error":{…}}`; every error of this service passes here.
pub(crate) fn write(problem: &Problem, id: &RequestId, asked: &HeaderMap) -> (&'static str, String) {
    if wants_json(asked) {
        return ("application/json", to_json(problem, id.as_str()).to_string());
    }
    let shell = match cookie::sent(asked, cookie::SESSION) {
        Sent::Value(token) => Shell { signed_in: true, csrf: Csrf::of(&token).token(), notice: None },
        Sent::Nothing | Sent::Garbage => Shell::default(),
    };
    let page = ErrorPage {
        shell,
        status: problem.status().as_u16(),
        title: title(problem.status()).to_owned(),
        detail: words(problem),
        request_id: id.as_str().to_owned(),
        retry_after_seconds: problem.retry_after_s(),
    };
    ("text/html; charset=utf-8", render(&page))
}

/// What a script is told.
pub(crate) fn to_json(problem: &Problem, request_id: &str) -> serde_json::Value {
    json!({"error": {
        "title": title(problem.status()),
        "detail": words(problem),
        "fields": problem.errors(),
        "request_id": request_id,
        "retry_after_seconds": problem.retry_after_s(),
    }})
}

/// What happened, in a few words.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "That is not allowed",
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::METHOD_NOT_ALLOWED => "That does not work here",
        StatusCode::REQUEST_TIMEOUT => "That took too long",
        StatusCode::CONFLICT => "That is under way already",
        StatusCode::GONE => "This portrait is gone",
        StatusCode::PAYLOAD_TOO_LARGE => "That is too large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "That is no photo we can read",
        StatusCode::TOO_MANY_REQUESTS => "That was a bit fast",
        StatusCode::SERVICE_UNAVAILABLE => "We are away for a moment",
        status if status.is_client_error() => "We could not take that",
        _ => "Something went wrong on our side",
    }
}

/// In whole sentences: what is wrong with which field, the problem's own words, or, for what a library refuses,
/// ours for its status.
pub(crate) fn words(problem: &Problem) -> String {
    if !problem.errors().is_empty() {
        let sentences =
            problem.errors().iter().map(|error| format!("{} {}.", label(error.field), error.detail));
        return sentences.collect::<Vec<_>>().join(" ");
    }
    let status = problem.status();
    if problem.detail() != Problem::of_status(status).detail() {
        return problem.detail().to_owned();
    }
    let words = match status {
        StatusCode::NOT_FOUND => "The address may be mistyped, or what was here is gone.",
        StatusCode::METHOD_NOT_ALLOWED => "This address is not made for being opened like this.",
        StatusCode::REQUEST_TIMEOUT => "What you sent did not arrive in time. Please try again.",
        StatusCode::PAYLOAD_TOO_LARGE => "What you sent is larger than we take.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "We take JPEG, PNG and WebP pictures, sent by the form for them."
        }
        StatusCode::UNPROCESSABLE_ENTITY => {
            "The form is not as our page sends it. Please load the page again."
        }
        StatusCode::TOO_MANY_REQUESTS => "Please wait a little before you try again.",
        StatusCode::SERVICE_UNAVAILABLE => "Our server does not answer at the moment. Please try again.",
        StatusCode::INTERNAL_SERVER_ERROR => {
            "This is our mistake, not yours. The number below helps us find it in our log."
        }
        _ => problem.detail(),
    };
    words.to_owned()
}

/// What our pages call a field.
fn label(field: &str) -> &str {
    match field {
        "email" => "The e-mail address",
        "password" => "The password",
        "current_password" => "The current password",
        "new_password" => "The new password",
        "image" => "The photo",
        "effect" => "The effect",
        "ttl_seconds" => "The time to live",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, StatusCode};
    use rstest::rstest;
    use service::Problem;

    use super::{wants_json, words};

    #[rstest]
    #[case::refused_fields(Problem::field("image", "is missing"), "The photo is missing.")]
    #[case::own_words(Problem::new(StatusCode::GONE, "The image has expired."), "The image has expired.")]
    #[case::words_for_programs(
        Problem::of_status(StatusCode::METHOD_NOT_ALLOWED),
        "This address is not made for being opened like this."
    )]
    fn person_is_told_in_whole_sentences(#[case] problem: Problem, #[case] told: &str) {
        assert_eq!(words(&problem), told);
    }

    #[rstest]
    #[case::fetch("application/json", true)]
    #[case::with_others("text/plain, Application/JSON;q=0.9", true)]
    #[case::browser("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false)]
    #[case::anything("*/*", false)]
    fn script_is_told_from_a_browser_by_what_it_accepts(#[case] accept: &str, #[case] json: bool) {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_str(accept).unwrap());
        assert_eq!(wants_json(&headers), json);
    }
}
