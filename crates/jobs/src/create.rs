//! A job begins: a row, written only while its account holds less than its quota.

use std::time::Duration;

use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::{Effect, JobRow};

/// What a user asks for.
#[derive(Clone, Copy, Debug)]
pub struct NewJob {
    /// Its id, chosen by the api.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// What is to be done.
    pub effect: Effect,
    /// How long its output is to live; whole seconds.
    pub ttl: Duration,
}

/// What counts towards an account's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Living images and jobs that have not ended.
    pub count: u32,
    /// Until the first of the images expires by itself; none when there is no image.
    pub frees_in: Option<Duration>,
}

/// Writes a `queued` row; none when the account holds `quota` images and unfinished jobs already. Two of one
/// account take turns, so that they cannot both have its last place.
pub async fn create(pool: &PgPool, job: NewJob, quota: u32) -> sqlx::Result<Option<JobRow>> {
    let mut transaction = pool.begin().await?;
    sqlx::query("select from users where id = $1 for no key update")
        .bind(job.user_id)
        .execute(&mut *transaction)
        .await?;
    let created = sqlx::query_as(
        "insert into jobs (id, user_id, effect, state, ttl_seconds) \
         select $1, $2, $3, 'queued', $4 where $5 > \
         (select count(*) from jobs where user_id = $2 and state in ('queued', 'running')) \
         + (select count(*) from images where user_id = $2 and expires_at > now()) \
         returning *",
    )
    .bind(job.id)
    .bind(job.user_id)
    .bind(job.effect.as_str())
    .bind(i32::try_from(job.ttl.as_secs()).unwrap_or(i32::MAX))
    .bind(i64::from(quota))
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(created)
}

/// What an account holds at the moment.
pub async fn held(pool: &PgPool, user_id: Uuid) -> sqlx::Result<Held> {
    let (jobs, images, frees_in_s): (i64, i64, Option<f64>) = sqlx::query_as(
        "select (select count(*) from jobs where user_id = $1 and state in ('queued', 'running')), \
         count(*), extract(epoch from min(expires_at) - now())::float8 \
         from images where user_id = $1 and expires_at > now()",
    )
    .bind(user_id)
    .fetch_one(pool)
    .await?;
    Ok(Held {
        count: u32::try_from(jobs + images).unwrap_or(u32::MAX),
        frees_in: frees_in_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    })
}
