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

/// Where a row stands in an order by time: what comes after it has a later moment, or the same one and a greater id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The moment that the rows are ordered by.
    pub at: OffsetDateTime,
    /// The image's id.
    pub id: Uuid,
}

impl Place {
    /// Before every row.
    pub const BEFORE_ALL: Self = Self { at: OffsetDateTime::UNIX_EPOCH, id: Uuid::nil() };
}

impl FromRow<'_, PgRow> for Place {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self { at: row.try_get("at")?, id: row.try_get("id")? })
    }
}

/// Up to `limit` images whose time is over, the longest overdue first, beginning after a place in the order of their
/// ends. Remove the objects, then the rows with [`remove_all`]: the other way round a crash in between would leave
/// objects that nobody knows of.
pub async fn expired(pool: &PgPool, after: Place, limit: u32) -> sqlx::Result<Vec<Place>> {
    let query = "select expires_at as at, id from images where expires_at <= now() and (expires_at, id) > ($1, $2) \
                 order by expires_at, id limit $3";
    page(pool, query, after, limit).await
}

/// Up to `limit` images that live, the oldest first, beginning after a place in the order of their creation.
pub async fn living(pool: &PgPool, after: Place, limit: u32) -> sqlx::Result<Vec<Place>> {
    let query = "select created_at as at, id from images where expires_at > now() and (created_at, id) > ($1, $2) \
                 order by created_at, id limit $3";
    page(pool, query, after, limit).await
}

/// The next `limit` places `after` one, by a query that takes both.
async fn page(pool: &PgPool, query: &'static str, after: Place, limit: u32) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as(query).bind(after.at).bind(after.id).bind(i64::from(limit)).fetch_all(pool).await
}

/// How many images there are, by the database's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageCounts {
    /// Their time is not over.
    pub living: i64,
    /// Their time is over, and they wait for the sweeper.
    pub expired: i64,
}

/// Counts all images.
pub async fn count(pool: &PgPool) -> sqlx::Result<ImageCounts> {
    let row = sqlx::query(
        "select count(*) filter (where expires_at > now()) as living, \
         count(*) filter (where expires_at <= now()) as expired from images",
    )
    .fetch_one(pool)
    .await?;
    Ok(ImageCounts { living: row.try_get("living")?, expired: row.try_get("expired")? })
}

/// The two ends next to the present moment, in seconds of the database's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ends {
    /// For how long the longest expired image has been waiting for the sweeper. None where there is none.
    pub overdue: Option<f64>,
    /// Until the next image expires. None where none lives.
    pub next: Option<f64>,
}

/// When the longest expired image ended, and when the next one will.
pub async fn ends(pool: &PgPool) -> sqlx::Result<Ends> {
    let query = "select \
         extract(epoch from now() - (select min(expires_at) from images where expires_at <= now()))::float8 as overdue, \
         extract(epoch from (select min(expires_at) from images where expires_at > now()) - now())::float8 as next";
    let row = sqlx::query(query).fetch_one(pool).await?;
    Ok(Ends { overdue: row.try_get("overdue")?, next: row.try_get("next")? })
}

/// Removes an image's row. False when it was gone already.
pub async fn remove(pool: &PgPool, id: Uuid) -> sqlx::Result<bool> {
    Ok(remove_all(pool, &[id]).await? == 1)
}

/// Removes the rows of images in one statement, and says how many there were.
pub async fn remove_all(pool: &PgPool, ids: &[Uuid]) -> sqlx::Result<u64> {
    let deleted = sqlx::query("delete from images where id = any($1)").bind(ids).execute(pool).await?;
    Ok(deleted.rows_affected())
}

/// Which of the given images have a row, expired or not; an object without one is an orphan.
pub async fn existing(pool: &PgPool, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar("select id from images where id = any($1)").bind(ids).fetch_all(pool).await
}
