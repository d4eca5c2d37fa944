//! The image row: an output that can be had until it expires.

use sqlx::postgres::{PgPool, PgRow};
use sqlx::{FromRow, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Effect;
use crate::job_row::named;

/// An output. It exists for users only while `expires_at` is in the database's future, whether the sweeper
/// came by or not.
#[derive(Clone, Debug)]
pub struct ImageRow {
    /// Its id and its key in the image store.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// The job that made it.
    pub job_id: Uuid,
    /// What was done.
    pub effect: Effect,
    /// Such as `image/png`.
    pub content_type: String,
    /// Size in bytes.
    pub size_bytes: i64,
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
    /// What is said of it.
    pub description: serde_json::Value,
    /// When its life began.
    pub created_at: OffsetDateTime,
    /// When its life ends.
    pub expires_at: OffsetDateTime,
}

impl FromRow<'_, PgRow> for ImageRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            user_id: row.try_get("user_id")?,
            job_id: row.try_get("job_id")?,
            effect: named(row, "effect")?,
            content_type: row.try_get("content_type")?,
            size_bytes: row.try_get("size_bytes")?,
            width: row.try_get("width")?,
            height: row.try_get("height")?,
            description: row.try_get("description")?,
            created_at: row.try_get("created_at")?,
            expires_at: row.try_get("expires_at")?,
        })
    }
}

/// Up to `limit` images whose time is over, the longest overdue first. Remove the object, then the row with
/// [`remove`]: the other way round a crash in between would leave an object that nobody knows of.
pub async fn expired(pool: &PgPool, limit: u32) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar("select id from images where expires_at <= now() order by expires_at limit $1")
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await
}

/// Removes an image's row. False when it was gone already.
pub async fn remove(pool: &PgPool, id: Uuid) -> sqlx::Result<bool> {
    let deleted = sqlx::query("delete from images where id = $1").bind(id).execute(pool).await?;
    Ok(deleted.rows_affected() == 1)
}

/// Which of the given images have a row, expired or not; an object without one is an orphan.
pub async fn existing(pool: &PgPool, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar("select id from images where id = any($1)").bind(ids).fetch_all(pool).await
}
