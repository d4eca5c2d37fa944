//! Problem documents (RFC 9457): the one form in which an HTTP service says what went wrong.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The content type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// One refused field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// The field's name, as the API calls it.
    pub field: &'static str,
    /// What it must be. Never what it was.
    pub detail: String,
}

/// What went wrong, for a client. The outermost layer writes it out and adds the request's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<FieldProblem>,
    retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem with a sentence that helps the client. Do not put the client's own input into it.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), errors: Vec::new(), retry_after_s: None }
    }

    /// A problem about which the status says enough.
    pub fn of_status(status: StatusCode) -> Self {
        Self::new(status, usual_detail(status))
    }

    /// 422 for one field.
    pub fn field(field: &'static str, detail: impl Into<String>) -> Self {
        Self::fields(vec![FieldProblem { field, detail: detail.into() }])
    }

    /// 422 for several fields at once.
    pub fn fields(errors: Vec<FieldProblem>) -> Self {
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "One or more fields are missing or not valid.")
        }
    }

    /// 500; the log knows more.
    pub fn internal() -> Self {
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// 503 with `Retry-After`.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(Duration::ZERO)
    }

    /// Says when to come back (`Retry-After`): in whole seconds, rounded up, and at least one.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self { retry_after_s: Some(seconds.max(1)), ..self }
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence for the client.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The refused fields; none when the request is not a form.
    pub fn errors(&self) -> &[FieldProblem] {
        &self.errors
    }

    /// When to try again, in seconds.
    pub fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }

    /// The document's bytes.
    pub fn to_json(&self, request_id: &str) -> String {
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
            request_id,
        };
        // Plain strings and numbers always serialise.
        serde_json::to_string(&document).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldProblem],
    request_id: &'a str,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

fn usual_detail(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "The request could not be understood.",
        StatusCode::NOT_FOUND => "There is nothing at this address.",
        StatusCode::METHOD_NOT_ALLOWED => {
            "This address does not answer to this method; see the Allow header."
        }
        StatusCode::REQUEST_TIMEOUT => "The request's body took too long to arrive.",
        StatusCode::PAYLOAD_TOO_LARGE => "The request's body is larger than this address accepts.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "The request's content type is not one that this address accepts."
        }
        StatusCode::TOO_MANY_REQUESTS => "Too many requests; try again after the time in Retry-After.",
        StatusCode::SERVICE_UNAVAILABLE => "The service could not answer in time; try again.",
        StatusCode::INTERNAL_SERVER_ERROR => {
            "Something went wrong on our side; the request id finds it in our log."
        }
        _ => "The request was refused.",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;
    use axum::response::IntoResponse;
    use rstest::rstest;

    use super::{FieldProblem, Problem};

    #[test]
    fn document_names_status_detail_and_request() {
        insta::assert_snapshot!(
            Problem::new(StatusCode::NOT_FOUND, "There is no such job.").to_json("r-1"),
            @r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such job.","request_id":"r-1"}"#
        );
    }

    #[rstest]
    #[case::at_once(Duration::ZERO, "1")]
    #[case::part_of_a_second(Duration::from_millis(1_001), "2")]
    #[case::whole_seconds(Duration::from_secs(7), "7")]
    fn wait_is_told_in_whole_seconds_that_are_long_enough(#[case] wait: Duration, #[case] header: &str) {
        let response = Problem::of_status(StatusCode::TOO_MANY_REQUESTS).retry_after(wait).into_response();
        assert_eq!(response.headers()["retry-after"], header);
    }

    #[test]
    fn document_lists_every_refused_field() {
        let errors = ["email", "password"].map(|field| FieldProblem { field, detail: "is missing".into() });
        insta::assert_snapshot!(
            Problem::fields(errors.into()).to_json("r-1"),
            @r#"{"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"One or more fields are missing or not valid.","errors":[{"field":"email","detail":"is missing"},{"field":"password","detail":"is missing"}],"request_id":"r-1"}"#
        );
    }
}
