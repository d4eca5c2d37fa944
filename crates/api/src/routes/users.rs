//! `/v1/users`: accounts.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use service::Problem;
use service::http::ClientAddress;
use service::http::problem::FieldProblem;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::email::Email;
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::password;
use crate::state::ApiState;

/// What a new account needs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// At most 254 bytes; upper and lower case are the same.
    #[schema(required, nullable = false, example = "ada@example.org", max_length = 254)]
    email: Option<String>,
    /// 8 to 128 characters.
    #[schema(required, nullable = false, min_length = 8, max_length = 128)]
    password: Option<String>,
}

/// An account.
#[derive(Serialize, ToSchema)]
pub(crate) struct User {
    pub(super) id: Uuid,
    /// In lower case.
    pub(super) email: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) created_at: OffsetDateTime,
}

/// Make an account.
#[utoipa::path(
    post, path = "/v1/users", tag = "accounts", operation_id = "signUp", request_body = NewUser,
    responses(
        (status = 201, description = "The account", body = User),
        (status = 409, description = "The address has an account already"),
    )
)]
pub(super) async fn sign_up(
    State(state): State<ApiState>,
    Extension(client): Extension<ClientAddress>,
    JsonBody(body): JsonBody<NewUser>,
) -> Result<(StatusCode, Json<User>), ApiError> {
    let (email, password) = credentials(body.email, body.password)?;
    state.limiter.sign_up(client).await?;
    let password_hash = state.passwords.hash(password).await.map_err(|_| Problem::internal())?;
    let id = Uuid::new_v4();
    let created_at: Option<OffsetDateTime> = sqlx::query_scalar(
        "insert into users (id, email, password_hash) values ($1, $2, $3) \
         on conflict (email) do nothing returning created_at",
    )
    .bind(id)
    .bind(email.as_str())
    .bind(password_hash)
    .fetch_optional(&state.pool)
    .await?;
    let created_at = created_at.ok_or_else(|| {
        Problem::new(StatusCode::CONFLICT, "There is an account with this e-mail address already.")
    })?;
    tracing::info!(user_id = %id, "account made");
    Ok((StatusCode::CREATED, Json(User { id, email: email.as_str().to_owned(), created_at })))
}

/// Checks both and reports both.
fn credentials(email: Option<String>, password: Option<String>) -> Result<(Email, String), Problem> {
    let email = email.ok_or("is missing").and_then(|email| Email::parse(&email));
    let password = password.ok_or("is missing").and_then(password::acceptable);
    match (email, password) {
        (Ok(email), Ok(password)) => Ok((email, password)),
        (email, password) => {
            let errors = [("email", email.err()), ("password", password.err())];
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

    use super::credentials;

    #[rstest]
    #[case::eight("12345678", true)]
    #[case::seven("1234567", false)]
    #[case::not_bytes_but_characters("äöüäöüäö", true)]
    #[case::longest(&"x".repeat(128), true)]
    #[case::too_long(&"x".repeat(129), false)]
    #[case::html_and_sql_are_just_characters("<b>'; drop table users; --</b>", true)]
    fn password_is_judged_by_its_length_alone(#[case] password: &str, #[case] taken: bool) {
        let result = credentials(Some("ada@example.org".into()), Some(password.into()));
        assert_eq!(result.is_ok(), taken);
    }

    #[test]
    fn missing_fields_are_named_together() {
        let problem = credentials(None, None).unwrap_err().to_json("r");
        assert!(
            problem.contains(r#""field":"email""#) && problem.contains(r#""field":"password""#),
            "{problem}"
        );
    }
}
