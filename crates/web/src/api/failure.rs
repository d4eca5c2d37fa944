//! How a call of the api fails, and what of that the person learns.

use std::time::Duration;

use axum::http::{StatusCode, header};
use serde::Deserialize;
use service::Problem;
use service::http::problem::FieldProblem;

/// A call that did not do what it was asked.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// 401: there is no such session (any more), or e-mail address and password are not a pair.
    NotSignedIn,
    /// The api refuses, in its words, which are fit for people; or it is busy, down or slow.
    Refused(Problem),
}

/// What of a problem document we read.
#[derive(Debug, Default, Deserialize)]
struct Document {
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<RefusedField>,
}

#[derive(Debug, Deserialize)]
struct RefusedField {
    field: String,
    detail: String,
}

/// The fields of all our forms.
const FIELDS: [&str; 7] =
    ["email", "password", "current_password", "new_password", "image", "effect", "ttl_seconds"];

/// Soon enough for a person, late enough for a service that starts again.
const COME_BACK_AFTER: Duration = Duration::from_secs(5);

impl ApiError {
    /// What an answer says that is no success.
    pub(super) async fn answered(answer: reqwest::Response) -> Self {
        let status = answer.status();
        let wait =
            answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let document = answer.json::<Document>().await.unwrap_or_default();
        Self::of(status, wait.map(Duration::from_secs), document)
    }

    fn of(status: StatusCode, wait: Option<Duration>, document: Document) -> Self {
        if status == StatusCode::UNAUTHORIZED {
            return Self::NotSignedIn;
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(dependency = "api", error = "answered 503", "dependency failed");
            return Self::Refused(away().retry_after(wait.unwrap_or(COME_BACK_AFTER)));
        }
        if !status.is_client_error() {
            tracing::error!(
                dependency = "api",
                status = status.as_u16(),
                "dependency answered with an error"
            );
            return Self::Refused(Problem::internal());
        }
        let fields: Vec<_> = document
            .errors
            .into_iter()
            .filter_map(|error| {
                let field = FIELDS.into_iter().find(|field| *field == error.field)?;
                Some(FieldProblem { field, detail: error.detail })
            })
            .collect();
        let problem = if status == StatusCode::UNPROCESSABLE_ENTITY && !fields.is_empty() {
            Problem::fields(fields)
        } else if document.detail.is_empty() {
            Problem::of_status(status)
        } else {
            Problem::new(status, document.detail)
        };
        Self::Refused(match wait {
            Some(wait) => problem.retry_after(wait),
            None => problem,
        })
    }

    /// The status that the person gets to see, when it is not about the session.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::NotSignedIn => None,
            Self::Refused(problem) => Some(problem.status()),
        }
    }
}

impl From<reqwest::Error> for ApiError {
    /// No answer, half an answer, or one that is not as agreed.
    fn from(error: reqwest::Error) -> Self {
        tracing::warn!(dependency = "api", error = reason(&error), "dependency failed");
        if error.is_decode() && !error.is_timeout() {
            return Self::Refused(Problem::internal());
        }
        Self::Refused(away().retry_after(COME_BACK_AFTER))
    }
}

fn away() -> Problem {
    Problem::unavailable("Our server does not answer at the moment. Please try again in a little while.")
}

/// A few words on why, for an operator. Never the address, which holds ids.
pub(super) fn reason(error: &reqwest::Error) -> String {
    if error.is_connect() {
        return if error.is_timeout() { "no connection in time" } else { "connection refused" }.to_owned();
    }
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if error.is_decode() {
        // What a parser says can quote what it read.
        return "its answer is not as agreed".to_owned();
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;
    use rstest::rstest;

    use super::{ApiError, Document};

    fn refused(status: u16, wait: Option<u64>, document: &str) -> service::Problem {
        let document: Document = serde_json::from_str(document).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        match ApiError::of(status, wait.map(Duration::from_secs), document) {
            ApiError::Refused(problem) => problem,
            ApiError::NotSignedIn => panic!("not refused"),
        }
    }

    #[test]
    fn refused_fields_keep_their_names_and_unknown_ones_are_dropped() {
        let document = r#"{"detail":"d","errors":[
            {"field":"email","detail":"is missing"},{"field":"<b>","detail":"x"}]}"#;
        let problem = refused(422, None, document);
        assert_eq!(problem.errors().len(), 1);
        assert_eq!((problem.errors()[0].field, &*problem.errors()[0].detail), ("email", "is missing"));
    }

    #[rstest]
    #[case::told(429, Some(7), 429, Some(7))]
    #[case::away(503, None, 503, Some(5))]
    #[case::away_and_told(503, Some(1), 503, Some(1))]
    #[case::broken(500, None, 500, None)]
    #[case::strange(302, None, 500, None)]
    #[case::refused(413, None, 413, None)]
    fn status_and_wait_are_kept_and_only_a_mistake_becomes_500(
        #[case] status: u16,
        #[case] wait: Option<u64>,
        #[case] shown: u16,
        #[case] shown_wait: Option<u64>,
    ) {
        let problem = refused(status, wait, r#"{"detail":"secret inside"}"#);
        assert_eq!(problem.status().as_u16(), shown);
        assert_eq!(problem.retry_after_s(), shown_wait);
        assert_eq!(problem.detail().contains("secret inside"), matches!(shown, 413 | 429));
    }

    #[test]
    fn missing_session_is_no_error_page() {
        let error = ApiError::of(StatusCode::UNAUTHORIZED, None, Document::default());
        assert!(matches!(error, ApiError::NotSignedIn));
    }
}
