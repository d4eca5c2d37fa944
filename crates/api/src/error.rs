//! What a handler can fail with, and what of that a client learns.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use image_store::StoreError;
use service::{Problem, error_chain};

/// A handler's error. The cause goes to the log, the client gets a problem document.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The client's mistake, or a limit: already in the client's words.
    Refused(Problem),
    Postgres(sqlx::Error),
    Redis(redis::RedisError),
    Store(StoreError),
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = match self {
            Self::Refused(problem) => problem,
            Self::Postgres(error) if is_away(&error) => {
                tracing::warn!(
                    dependency = "postgres",
                    error = service::postgres::reason(&error),
                    "dependency failed"
                );
                Problem::unavailable("The database does not answer at the moment; try again.")
            }
            Self::Postgres(error) => {
                // The server's own text can quote a row's values; its code and constraint cannot.
                let reason = service::postgres::reason(&error);
                tracing::error!(dependency = "postgres", error = reason, "query failed");
                Problem::internal()
            }
            Self::Redis(error) => {
                tracing::warn!(
                    dependency = "redis",
                    error = service::redis::reason(&error),
                    "dependency failed"
                );
                Problem::unavailable("The queue and session store does not answer at the moment; try again.")
            }
            Self::Store(error @ StoreError::Damaged { .. }) => {
                tracing::error!(dependency = "image_store", error = error_chain(&error), "image is damaged");
                Problem::internal()
            }
            Self::Store(error @ StoreError::KeyLost { .. }) => {
                tracing::error!(
                    dependency = "image_store",
                    error = error_chain(&error),
                    "image's key is lost"
                );
                Problem::internal()
            }
            Self::Store(error) => {
                tracing::warn!(dependency = "image_store", error = error_chain(&error), "dependency failed");
                Problem::unavailable("The image store does not answer at the moment; try again.")
            }
        };
        problem.into_response()
    }
}

/// Whether the database, rather than the query, is the trouble.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // Connection exceptions, wrong password, out of resources, shutting down or starting up.
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| ["08", "28", "53", "57"].iter().any(|class| code.starts_with(class))),
        _ => false,
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<redis::RedisError> for ApiError {
    fn from(error: redis::RedisError) -> Self {
        Self::Redis(error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// 404, for what is not there and for what is another user's: the two look the same.
pub(crate) fn not_found(what: &str) -> ApiError {
    Problem::new(StatusCode::NOT_FOUND, format!("There is no such {what}.")).into()
}

/// 410, for an image that was there.
pub(crate) fn gone() -> ApiError {
    Problem::new(StatusCode::GONE, "The image has expired or was deleted.").into()
}
