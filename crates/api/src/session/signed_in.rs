//! The user behind a request.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use service::Problem;

use super::Session;
use crate::error::ApiError;
use crate::state::ApiState;

/// Nothing that we gave out is longer.
const TOKEN_MAX_BYTES: usize = 128;

/// The session of a request. As a handler's argument it answers 401 where there is none, and 429 to an account
/// that asks too often.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn(pub(crate) Session);

impl FromRequestParts<ApiState> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let Some(token) = bearer(&parts.headers) else {
            return Err(refused("This needs a session: send its token as `Authorization: Bearer TOKEN`."));
        };
        let Some(session) = state.sessions.find(token).await? else {
            return Err(refused("The session has expired or was closed; sign in again."));
        };
        state.limiter.request_of_account(session.user_id).await?;
        Ok(Self(session))
    }
}

fn refused(detail: &str) -> ApiError {
    Problem::new(StatusCode::UNAUTHORIZED, detail).into()
}

/// Of two such headers none counts: a proxy on the way may have looked at the other one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && (1..=TOKEN_MAX_BYTES).contains(&token.len())).then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};
    use rstest::rstest;

    use super::bearer;

    #[rstest]
    #[case("Bearer abc", Some("abc"))]
    #[case("bearer abc", Some("abc"))]
    #[case("Basic abc", None)]
    #[case("Bearer", None)]
    #[case("Bearer ", None)]
    fn token_is_taken_from_a_bearer_header_only(#[case] header: &str, #[case] token: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(header).unwrap());
        assert_eq!(bearer(&headers), token);
    }

    #[test]
    fn of_two_tokens_none_is_taken() {
        let mut headers = HeaderMap::new();
        for header in ["Bearer abc", "Bearer def"] {
            headers.append("authorization", HeaderValue::from_static(header));
        }
        assert_eq!(bearer(&headers), None);
    }
}
