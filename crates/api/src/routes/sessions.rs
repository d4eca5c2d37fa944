//! `/v1/sessions`: signing in and out.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use service::Problem;
use service::http::ClientAddress;
use service::http::problem::FieldProblem;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::config::Ceilings;
use crate::email::{self, Email};
use crate::error::ApiError;
use crate::extract::{JsonBody, whole_number};
use crate::password;
use crate::session::{Life, SignedIn};
use crate::state::ApiState;

/// Who signs in, and for how long.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    #[schema(required, nullable = false, example = "ada@example.org", max_length = 254)]
    email: Option<String>,
    #[schema(required, nullable = false, max_length = 128)]
    password: Option<String>,
    /// Whole seconds after which the session ends, however much it is used. The server's ceiling is also the
    /// default.
    #[schema(minimum = 1)]
    #[serde(default, deserialize_with = "whole_number")]
    ttl_seconds: Option<i64>,
    /// Whole seconds without a request after which the session ends. The server's ceiling is also the default.
    #[schema(minimum = 1)]
    #[serde(default, deserialize_with = "whole_number")]
    idle_seconds: Option<i64>,
}

/// A session that was just opened.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenedSession {
    /// To be sent as `Authorization: Bearer TOKEN`; shown this once.
    token: String,
    /// When it ends, however much it is used.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// Seconds without a request after which it ends before that.
    idle_seconds: u64,
}

/// The session of a request.
#[derive(Serialize, ToSchema)]
pub(crate) struct CurrentSession {
    user_id: Uuid,
    /// In lower case.
    email: String,
    /// When it ends, however much it is used.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// Seconds without a request after which it ends before that.
    idle_seconds: u64,
}

/// What [`NewSession`] asks for, checked.
struct Login {
    /// As it was sent; attempts are counted by it.
    email_sent: String,
    /// None when it cannot be an address, and so has no account.
    email: Option<Email>,
    password: String,
    life: Life,
}

/// Sign in.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "accounts", operation_id = "logIn", request_body = NewSession,
    responses(
        (status = 201, description = "The session", body = OpenedSession),
        (status = 401, description = "No account has this address and password"),
    )
)]
pub(super) async fn log_in(
    State(state): State<ApiState>,
    Extension(client): Extension<ClientAddress>,
    JsonBody(body): JsonBody<NewSession>,
) -> Result<(StatusCode, Json<OpenedSession>), ApiError> {
    let Login { email_sent, email, password, life } = check(body, &state.ceilings)?;
    state.limiter.login(client, &email_sent).await?;
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
    let stored = known.as_ref().map(|(_, stored)| stored.clone());
    let matches = state.passwords.verify(password, stored).await.map_err(|_| Problem::internal())?;
    let (Some((user_id, stored)), true) = (known, matches) else {
        return Err(wrong_credentials());
    };
    let (token, session) = state.sessions.open(user_id, life).await?;
    // Now that the session stands where a change of password ends it: is the password still the one that we
    // verified? (Waits for a change that is under way.)
    let still = still_has_password(&state.pool, user_id, &stored).await;
    if !matches!(still, Ok(true)) {
        state.sessions.end(&session).await?;
        still?;
        return Err(wrong_credentials());
    }
    tracing::info!(%user_id, "session opened");
    let opened = OpenedSession { token, expires_at: session.ends_at, idle_seconds: session.idle.as_secs() };
    Ok((StatusCode::CREATED, Json(opened)))
}

async fn still_has_password(pool: &PgPool, user_id: Uuid, stored: &str) -> sqlx::Result<bool> {
    let now: Option<String> = sqlx::query_scalar("select password_hash from users where id = $1 for share")
        .bind(user_id)
        .fetch_optional(pool)
        .await?;
    Ok(now.is_some_and(|now| now == stored))
}

fn wrong_credentials() -> ApiError {
    Problem::new(StatusCode::UNAUTHORIZED, "E-mail address or password is wrong.").into()
}

fn check(body: NewSession, ceilings: &Ceilings) -> Result<Login, Problem> {
    let email = body.email.ok_or("is missing".to_owned()).and_then(|email| {
        let short_enough = email.chars().count() <= email::MAX_BYTES;
        short_enough.then_some(email).ok_or("must be at most 254 characters long".to_owned())
    });
    let password = body.password.ok_or("is missing").and_then(password::not_too_long);
    let ttl = within(body.ttl_seconds, ceilings.session_ttl);
    let idle = within(body.idle_seconds, ceilings.session_idle);
    match (email, password, ttl, idle) {
        (Ok(email_sent), Ok(password), Ok(ttl), Ok(idle)) => {
            let email = Email::parse(&email_sent).ok();
            Ok(Login { email_sent, email, password, life: Life { ttl, idle } })
        }
        (email, password, ttl, idle) => {
            let errors = [
                ("email", email.err()),
                ("password", password.err().map(ToOwned::to_owned)),
                ("ttl_seconds", ttl.err()),
                ("idle_seconds", idle.err()),
            ];
            let errors = errors
                .into_iter()
                .filter_map(|(field, detail)| Some(FieldProblem { field, detail: detail? }));
            Err(Problem::fields(errors.collect()))
        }
    }
}

/// What was asked for, up to the ceiling; the ceiling when nothing was.
fn within(asked_seconds: Option<i64>, ceiling: Duration) -> Result<Duration, String> {
    let Some(seconds) = asked_seconds else { return Ok(ceiling) };
    u64::try_from(seconds)
        .ok()
        .filter(|seconds| (1..=ceiling.as_secs()).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| format!("must be from 1 to {}", ceiling.as_secs()))
}

/// The session of this request.
#[utoipa::path(
    get, path = "/v1/sessions/current", tag = "accounts", operation_id = "getSession",
    security(("session" = [])),
    responses((status = 200, description = "The session", body = CurrentSession))
)]
pub(super) async fn current(
    State(state): State<ApiState>,
    SignedIn(session): SignedIn,
) -> Result<Json<CurrentSession>, ApiError> {
    let email = sqlx::query_scalar("select email from users where id = $1")
        .bind(session.user_id)
        .fetch_one(&state.pool)
        .await?;
    Ok(Json(CurrentSession {
        user_id: session.user_id,
        email,
        expires_at: session.ends_at,
        idle_seconds: session.idle.as_secs(),
    }))
}

/// Sign out: the token is worth nothing from this moment on.
#[utoipa::path(
    delete, path = "/v1/sessions/current", tag = "accounts", operation_id = "logOut",
    security(("session" = [])), responses((status = 204, description = "The session is over"))
)]
pub(super) async fn log_out(
    State(state): State<ApiState>,
    SignedIn(session): SignedIn,
) -> Result<StatusCode, ApiError> {
    state.sessions.end(&session).await?;
    tracing::info!(user_id = %session.user_id, "session closed");
    Ok(StatusCode::NO_CONTENT)
}

/// Sign out everywhere: every session of this account is over, this one too.
#[utoipa::path(
    delete, path = "/v1/sessions", tag = "accounts", operation_id = "logOutEverywhere",
    security(("session" = [])), responses((status = 204, description = "All sessions are over"))
)]
pub(super) async fn log_out_everywhere(
    State(state): State<ApiState>,
    SignedIn(session): SignedIn,
) -> Result<StatusCode, ApiError> {
    let ended = state.sessions.end_all(session.user_id).await?;
    tracing::info!(user_id = %session.user_id, sessions_ended = ended, "all sessions closed");
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::{NewSession, check};
    use crate::config::Ceilings;

    const CEILINGS: Ceilings = Ceilings {
        output_ttl: Duration::ZERO,
        session_ttl: Duration::from_mins(2),
        session_idle: Duration::from_mins(1),
        input_ttl: Duration::ZERO,
        upload_bytes: 0,
        quota_images: 0,
    };

    fn body(email: &str, password: &str) -> NewSession {
        let (email, password) = (Some(email.to_owned()), Some(password.to_owned()));
        NewSession { email, password, ttl_seconds: None, idle_seconds: None }
    }

    #[rstest]
    #[case(0)]
    #[case(-1)]
    #[case(121)]
    #[case(i64::MAX)]
    #[case(i64::MIN)]
    fn session_beyond_the_ceilings_is_refused(#[case] seconds: i64) {
        let (ttl_seconds, idle_seconds) = (Some(seconds), Some(seconds));
        let wish = NewSession { ttl_seconds, idle_seconds, ..body("a@b", "12345678") };
        let problem = check(wish, &CEILINGS).err().unwrap().to_json("r");
        assert!(problem.contains("from 1 to 120") && problem.contains("from 1 to 60"), "{problem}");
    }

    #[test]
    fn session_lives_as_long_as_allowed_unless_less_is_asked_for() {
        let life = |wish| check(wish, &CEILINGS).ok().unwrap().life;
        let longest = life(body("a@b", "12345678"));
        assert_eq!((longest.ttl.as_secs(), longest.idle.as_secs()), (120, 60));
        let (ttl_seconds, idle_seconds) = (Some(3), Some(2));
        let short = life(NewSession { ttl_seconds, idle_seconds, ..body("a@b", "12345678") });
        assert_eq!((short.ttl.as_secs(), short.idle.as_secs()), (3, 2));
    }

    #[test]
    fn address_that_cannot_exist_is_treated_as_unknown() {
        let login = check(body("a\0' or 1=1 --", "12345678"), &CEILINGS).ok().unwrap();
        assert_eq!(login.email, None);
    }

    #[rstest]
    #[case(&"a".repeat(255), "12345678")]
    #[case("a@b", &"a".repeat(129))]
    fn over_long_fields_are_refused(#[case] email: &str, #[case] password: &str) {
        assert!(check(body(email, password), &CEILINGS).is_err());
    }
}
