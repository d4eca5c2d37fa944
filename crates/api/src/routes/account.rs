//! `/v1/users/me`: the account behind a session.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use service::Problem;
use service::http::problem::FieldProblem;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::users::User;
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::password;
use crate::session::SignedIn;
use crate::state::ApiState;

/// A change of password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// At most 128 characters.
    #[schema(required, nullable = false, max_length = 128)]
    current_password: Option<String>,
    /// 8 to 128 characters.
    #[schema(required, nullable = false, min_length = 8, max_length = 128)]
    new_password: Option<String>,
}

/// The account behind this session.
#[utoipa::path(
    get, path = "/v1/users/me", tag = "accounts", operation_id = "getAccount", security(("session" = [])),
    responses((status = 200, body = User, description = "The account"))
)]
pub(super) async fn show(
    State(state): State<ApiState>,
    SignedIn(session): SignedIn,
) -> Result<Json<User>, ApiError> {
    let (email, created_at): (String, OffsetDateTime) =
        sqlx::query_as("select email, created_at from users where id = $1")
            .bind(session.user_id)
            .fetch_one(&state.pool)
            .await?;
    Ok(Json(User { id: session.user_id, email, created_at }))
}

/// Change the password. Every other session of the account ends; this one stays.
#[utoipa::path(
    put, path = "/v1/users/me/password", tag = "accounts", operation_id = "changePassword",
    security(("session" = [])), request_body = PasswordChange,
    responses(
        (status = 204, description = "From now on the new password counts"),
        (status = 403, description = "The current password is wrong"),
    )
)]
pub(super) async fn change_password(
    State(state): State<ApiState>,
    SignedIn(session): SignedIn,
    JsonBody(body): JsonBody<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    let (current, new) = check(body)?;
    state.limiter.password(session.user_id).await?;
    let stored: String = sqlx::query_scalar("select password_hash from users where id = $1")
        .bind(session.user_id)
        .fetch_one(&state.pool)
        .await?;
    let matches = state.passwords.verify(current, Some(stored.clone())).await;
    if !matches.map_err(|_| Problem::internal())? {
        return Err(wrong_password());
    }
    let hash = state.passwords.hash(new).await.map_err(|_| Problem::internal())?;

    // From the update to the commit the row is ours. Whoever logs in meanwhile with the old password opens a
    // session, then asks for the row and waits for us (see `log_in`): either we end that session, or its maker
    // finds the password changed.
    let mut transaction = state.pool.begin().await?;
    let updated = sqlx::query("update users set password_hash = $3 where id = $1 and password_hash = $2")
        .bind(session.user_id)
        .bind(stored)
        .bind(hash)
        .execute(&mut *transaction)
        .await?;
    if updated.rows_affected() == 0 {
        // Somebody else changed it since we looked.
        return Err(wrong_password());
    }
    let ended = state.sessions.end_others(&session).await?;
    transaction.commit().await?;
    tracing::info!(user_id = %session.user_id, sessions_ended = ended, "password changed");
    Ok(StatusCode::NO_CONTENT)
}

fn wrong_password() -> ApiError {
    Problem::new(StatusCode::FORBIDDEN, "The current password is wrong.").into()
}

/// Checks both and reports both.
fn check(body: PasswordChange) -> Result<(String, String), Problem> {
    let current = body.current_password.ok_or("is missing").and_then(password::not_too_long);
    let new = body.new_password.ok_or("is missing").and_then(password::acceptable);
    match (current, new) {
        (Ok(current), Ok(new)) => Ok((current, new)),
        (current, new) => {
            let errors = [("current_password", current.err()), ("new_password", new.err())];
            let errors = errors
                .into_iter()
                .filter_map(|(field, detail)| Some(FieldProblem { field, detail: detail?.to_owned() }));
            Err(Problem::fields(errors.collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{PasswordChange, check};

    #[rstest]
    #[case::fine(Some("old"), Some("12345678"), &[])]
    #[case::both_missing(None, None, &["current_password", "new_password"])]
    #[case::new_too_short(Some("old"), Some("1234567"), &["new_password"])]
    fn change_is_refused_field_by_field(
        #[case] current: Option<&str>,
        #[case] new: Option<&str>,
        #[case] refused: &[&str],
    ) {
        let body = PasswordChange {
            current_password: current.map(ToOwned::to_owned),
            new_password: new.map(ToOwned::to_owned),
        };
        let problem = check(body).err().map(|problem| problem.to_json("r")).unwrap_or_default();
        for field in ["current_password", "new_password"] {
            assert_eq!(problem.contains(field), refused.contains(&field), "{problem}");
        }
    }
}
