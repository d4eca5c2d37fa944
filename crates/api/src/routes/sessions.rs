//! `/v1/sessions`: signing in and out.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::http::problem::FieldProblem;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::email::Email;
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::password;
use crate::session::SignedIn;
use crate::state::ApiState;

/// Longer than any address that could have an account.
const EMAIL_MAX_BYTES: usize = 254;

/// Who signs in, and for how long.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    #[schema(required, example = "ada@example.org", max_length = 254)]
    email: Option<String>,
    #[schema(required, max_length = 128)]
    password: Option<String>,
    /// Whole seconds, from 1 to the server's ceiling, which is also the default.
    #[schema(minimum = 1)]
    ttl_seconds: Option<i64>,
}

/// An open session.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// To be sent as `Authorization: Bearer TOKEN`; shown this once.
    token: String,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// Sign in.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "accounts", operation_id = "logIn", request_body = NewSession,
    responses(
        (status = 201, body = Session),
        (status = 401, description = "No account has this address and password"),
        (status = 422, description = "A field is missing or refused"),
    )
)]
pub(super) async fn log_in(
    State(state): State<ApiState>,
    JsonBody(body): JsonBody<NewSession>,
) -> Result<(StatusCode, Json<Session>), ApiError> {
    let (email, password, ttl) = check(body, state.limits.session_ttl)?;
    let known: Option<(Uuid, String)> = match &email {
        Some(email) => {
            sqlx::query_as("select id, password_hash from users where email = $1")
                .bind(email.as_str())
                .fetch_optional(&state.pool)
                .await?
        }
        // No address, so no account; the answer and the work are those of a wrong password.
        None => None,
    };
    let (user_id, stored) = known.unzip();
    let matches = state.passwords.verify(password, stored).await.map_err(|_| Problem::internal())?;
    let (Some(user_id), true) = (user_id, matches) else {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "E-mail address or password is wrong.").into());
    };
    let expires_at = OffsetDateTime::now_utc() + ttl;
    let token = state.sessions.open(user_id, ttl).await?;
    tracing::info!(%user_id, "session opened");
    let expires_at = expires_at.replace_millisecond(expires_at.millisecond()).unwrap_or(expires_at);
    Ok((StatusCode::CREATED, Json(Session { token, expires_at })))
}

fn check(body: NewSession, ceiling: Duration) -> Result<(Option<Email>, String, Duration), Problem> {
    let mut errors = Vec::new();
    let mut refuse = |field, detail: &str| {
        errors.push(FieldProblem { field, detail: detail.to_owned() });
    };
    match &body.email {
        None => refuse("email", "is missing"),
        Some(email) if email.len() > EMAIL_MAX_BYTES => refuse("email", "must be at most 254 bytes long"),
        Some(_) => {}
    }
    match &body.password {
        None => refuse("password", "is missing"),
        Some(password) if password.chars().count() > *password::LENGTH.end() => {
            refuse("password", "must be at most 128 characters long");
        }
        Some(_) => {}
    }
    let ttl = body.ttl_seconds.map_or(Some(ceiling), |seconds| {
        let seconds = u64::try_from(seconds).ok()?;
        (1..=ceiling.as_secs()).contains(&seconds).then(|| Duration::from_secs(seconds))
    });
    if ttl.is_none() {
        refuse("ttl_seconds", &format!("must be from 1 to {}", ceiling.as_secs()));
    }
    match (body.email, body.password, ttl) {
        (Some(email), Some(password), Some(ttl)) if errors.is_empty() => {
            Ok((Email::parse(&email).ok(), password, ttl))
        }
        _ => Err(Problem::fields(errors)),
    }
}

/// Sign out: the token is worth nothing from this moment on.
#[utoipa::path(
    delete, path = "/v1/sessions/current", tag = "accounts", operation_id = "logOut",
    security(("session" = [])),
    responses(
        (status = 204),
        (status = 401, description = "No session"),
    )
)]
pub(super) async fn log_out(State(state): State<ApiState>, user: SignedIn) -> Result<StatusCode, ApiError> {
    state.sessions.close(&user).await?;
    tracing::info!(user_id = %user.user_id, "session closed");
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::{NewSession, check};

    fn body(email: &str, password: &str, ttl_seconds: Option<i64>) -> NewSession {
        NewSession { email: Some(email.into()), password: Some(password.into()), ttl_seconds }
    }

    #[rstest]
    #[case(0)]
    #[case(-1)]
    #[case(61)]
    #[case(i64::MAX)]
    #[case(i64::MIN)]
    fn session_beyond_the_ceiling_is_refused(#[case] ttl_seconds: i64) {
        assert!(check(body("a@b", "12345678", Some(ttl_seconds)), Duration::from_mins(1)).is_err());
    }

    #[test]
    fn address_that_cannot_exist_is_treated_as_unknown() {
        let (email, ..) = check(body("a\0' or 1=1 --", "12345678", None), Duration::from_mins(1)).unwrap();
        assert_eq!(email, None);
    }

    #[test]
    fn over_long_fields_are_refused() {
        assert!(check(body(&"a".repeat(255), "12345678", None), Duration::from_mins(1)).is_err());
        assert!(check(body("a@b", &"a".repeat(129), None), Duration::from_mins(1)).is_err());
    }
}
