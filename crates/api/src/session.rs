//! Sessions: a random token for the client, its hash with an expiry in Redis.

use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::{RedisResult, cmd};
use service::Problem;
use service::redis::Redis;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::ApiError;

/// Nothing that we gave out is longer.
const TOKEN_MAX_BYTES: usize = 128;

/// The open sessions.
#[derive(Clone)]
pub(crate) struct Sessions {
    redis: Redis,
}

impl Sessions {
    pub(crate) fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// Opens a session and returns its token, which is stored nowhere.
    pub(crate) async fn open(&self, user_id: Uuid, ttl: Duration) -> RedisResult<String> {
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let mut command = cmd("SET");
        command.arg(key(&token)).arg(user_id.to_string()).arg("EX").arg(ttl.as_secs());
        self.redis.run::<()>(&command).await?;
        Ok(token)
    }

    async fn find(&self, token: &str) -> RedisResult<Option<Uuid>> {
        let user_id: Option<String> = self.redis.run(cmd("GET").arg(key(token))).await?;
        Ok(user_id.and_then(|id| id.parse().ok()))
    }

    /// Ends a session at once.
    pub(crate) async fn close(&self, session: &SignedIn) -> RedisResult<()> {
        self.redis.run(cmd("DEL").arg(&session.key)).await
    }
}

/// Redis holds a hash: whoever reads it there cannot sign in with it.
fn key(token: &str) -> String {
    format!("session:{}", hex::encode(Sha256::digest(token.as_bytes())))
}

/// The user behind a request. As a handler's argument it answers 401 where there is none.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) user_id: Uuid,
    key: String,
}

impl<S> FromRequestParts<S> for SignedIn
where
    S: Send + Sync,
    Sessions: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Some(token) = bearer(&parts.headers) else {
            return Err(refused("This needs a session: send its token as `Authorization: Bearer TOKEN`."));
        };
        match Sessions::from_ref(state).find(token).await? {
            Some(user_id) => Ok(Self { user_id, key: key(token) }),
            None => Err(refused("The session has expired or was closed; sign in again.")),
        }
    }
}

fn refused(detail: &str) -> ApiError {
    Problem::new(StatusCode::UNAUTHORIZED, detail).into()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && (1..=TOKEN_MAX_BYTES).contains(&token.len())).then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};
    use rstest::rstest;

    use super::{bearer, key};

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
    fn key_does_not_hold_the_token() {
        assert!(!key("token").contains("token"));
        assert_eq!(key("token").len(), "session:".len() + 64);
    }
}
