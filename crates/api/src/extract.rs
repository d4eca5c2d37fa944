//! Reading requests: JSON bodies and ids, with errors in the client's words and never with the client's
//! input.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use service::Problem;
use uuid::Uuid;

use crate::error::{ApiError, not_found};

/// A few hundred bytes take no longer, on any line.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// A JSON body: 415 for another content type, 413 when too long, 400 when malformed, 422 when a field has the
/// wrong type.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json."));
        }
        let bytes = tokio::time::timeout(BODY_WITHIN, Bytes::from_request(request, state))
            .await
            .map_err(|_| Problem::of_status(StatusCode::REQUEST_TIMEOUT))?
            .map_err(|rejection| Problem::of_status(rejection.status()))?;
        match serde_json::from_slice(&bytes) {
            Ok(body) => Ok(Self(body)),
            Err(error) => {
                let place = format!("line {} column {}", error.line(), error.column());
                Err(match error.classify() {
                    Category::Data => refused(
                        StatusCode::UNPROCESSABLE_ENTITY,
                        &format!("A field is unknown, given twice or of the wrong type, at {place}."),
                    ),
                    _ => refused(
                        StatusCode::BAD_REQUEST,
                        &format!("The body is not well-formed JSON, at {place}."),
                    ),
                })
            }
        }
    }
}

/// A whole number however it is spelled: JSON knows one kind of number, and some writers put `.0` after each.
pub(crate) fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    let whole = number.as_i64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT_UP_TO)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole and not too large, as was just seen"
        )]
        Some(float as i64)
    });
    whole.map(Some).ok_or_else(|| D::Error::custom("not a whole number, or too large a one"))
}

/// Beyond 2^53 a float leaves whole numbers out.
const EXACT_UP_TO: f64 = 9_007_199_254_740_992.0;

fn refused(status: StatusCode, detail: &str) -> ApiError {
    Problem::new(status, detail).into()
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// The id in a path. One that is no id names nothing: 404.
pub(crate) struct PathId(pub(crate) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id: Result<Path<Uuid>, _> = Path::from_request_parts(parts, state).await;
        id.map(|Path(id)| Self(id)).map_err(|_| not_found("id"))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::{FromRequest, Request};
    use axum::http::header;
    use rstest::rstest;

    use super::JsonBody;
    use crate::error::ApiError;

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body1 {
        #[expect(dead_code, reason = "only whether it can be read is of interest")]
        email: Option<String>,
    }

    #[rstest]
    #[case::fine("application/json; charset=utf-8", r#"{"email":"a"}"#, 200)]
    #[case::missing("application/json", "{}", 200)]
    #[case::form("application/x-www-form-urlencoded", "email=a", 415)]
    #[case::text("text/plain", "{}", 415)]
    #[case::empty("application/json", "", 400)]
    #[case::cut_off("application/json", r#"{"email":"#, 400)]
    #[case::nul_byte("application/json", "{\"email\":\"a\0\"}", 400)]
    #[case::wrong_type("application/json", r#"{"email":["secret"]}"#, 422)]
    #[case::unknown_field("application/json", r#"{"<script>":1}"#, 422)]
    #[case::not_an_object("application/json", "[[[[1]]]]", 422)]
    #[tokio::test]
    async fn body_is_read_or_refused(
        #[case] content_type: &str,
        #[case] body: &'static str,
        #[case] status: u16,
    ) {
        let request =
            Request::post("/").header(header::CONTENT_TYPE, content_type).body(Body::from(body)).unwrap();
        match JsonBody::<Body1>::from_request(request, &()).await {
            Ok(_) => assert_eq!(status, 200),
            Err(ApiError::Refused(problem)) => {
                assert_eq!(problem.status().as_u16(), status);
                assert!(!problem.detail().contains("secret") && !problem.detail().contains('<'));
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case("60", Ok(Some(60)))]
    #[case("60.0", Ok(Some(60)))]
    #[case("6e1", Ok(Some(60)))]
    #[case("-9223372036854775808", Ok(Some(i64::MIN)))]
    #[case("null", Ok(None))]
    #[case("60.5", Err(()))]
    #[case("9223372036854775808", Err(()))]
    #[case("1e300", Err(()))]
    #[case("\"60\"", Err(()))]
    #[case("true", Err(()))]
    fn whole_number_is_taken_however_it_is_spelled(
        #[case] json: &str,
        #[case] expected: Result<Option<i64>, ()>,
    ) {
        let read = super::whole_number(&mut serde_json::Deserializer::from_str(json));
        assert_eq!(read.map_err(|_| ()), expected);
    }
}
