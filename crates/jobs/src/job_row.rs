//! The job row: what a user asked for, and how far it got.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{FromRow, Row};
use time::OffsetDateTime;
use uuid::Uuid;

/// What is done to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Ink dots on paper.
    Halftone,
    /// Two colours.
    Duotone,
}

impl Effect {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Halftone, Self::Duotone];

    /// Its name in the API, the database and the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Halftone => "halftone",
            Self::Duotone => "duotone",
        }
    }
}

/// How far a job got. It only ever moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// There is an output.
    Done,
    /// There will be none; the row says why.
    Failed,
}

impl JobState {
    const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Failed];

    /// Its name in the API, the database and the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// The text is the name of no effect, or of no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {0}")]
pub struct UnknownName(&'static str);

impl FromStr for Effect {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|effect| effect.as_str() == text).ok_or(UnknownName("effect"))
    }
}

impl FromStr for JobState {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownName("job state"))
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A job as it stands.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// What is to be done.
    pub effect: Effect,
    /// How far it got.
    pub state: JobState,
    /// Why it failed, in words for the user.
    pub failure: Option<String>,
    /// How long its output is to live, counted from the output's creation.
    pub ttl: Duration,
    /// Its output, even after that is gone.
    pub image_id: Option<Uuid>,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
    /// When its state last changed.
    pub updated_at: OffsetDateTime,
}

impl FromRow<'_, PgRow> for JobRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let ttl_seconds: i32 = row.try_get("ttl_seconds")?;
        Ok(Self {
            id: row.try_get("id")?,
            user_id: row.try_get("user_id")?,
            effect: named(row, "effect")?,
            state: named(row, "state")?,
            failure: row.try_get("failure")?,
            ttl: Duration::from_secs(u64::try_from(ttl_seconds).unwrap_or_default()),
            image_id: row.try_get("image_id")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

/// Reads a column that holds one of our names.
pub(crate) fn named<T: FromStr<Err = UnknownName>>(row: &PgRow, column: &str) -> sqlx::Result<T> {
    row.try_get::<&str, _>(column)?.parse().map_err(|error: UnknownName| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(error),
    })
}

/// Removes a row that could not be published. One that a worker took already stays.
pub async fn discard(pool: &PgPool, id: Uuid) -> sqlx::Result<()> {
    sqlx::query("delete from jobs where id = $1 and state = 'queued'").bind(id).execute(pool).await?;
    Ok(())
}

/// The row, whatever its state.
pub async fn find(pool: &PgPool, id: Uuid) -> sqlx::Result<Option<JobRow>> {
    sqlx::query_as("select * from jobs where id = $1").bind(id).fetch_optional(pool).await
}

/// Marks a job as `running` and hands it back; none when it has ended or is gone, so there is nothing to do.
pub async fn start(pool: &PgPool, id: Uuid) -> sqlx::Result<Option<JobRow>> {
    sqlx::query_as(
        "update jobs set state = 'running', updated_at = now() \
         where id = $1 and state in ('queued', 'running') returning *",
    )
    .bind(id)
    .fetch_optional(pool)
    .await
}

/// Ends a job without an output, with a reason that a user understands. False when it had ended already or is
/// gone.
pub async fn fail(pool: &PgPool, id: Uuid, failure: &str) -> sqlx::Result<bool> {
    let updated = sqlx::query(
        "update jobs set state = 'failed', failure = $2, updated_at = now() \
         where id = $1 and state in ('queued', 'running')",
    )
    .bind(id)
    .bind(failure)
    .execute(pool)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Ends every job that did not move for `age`, such as those whose queue entry was lost with Redis. Returns
/// how many.
pub async fn fail_abandoned(pool: &PgPool, age: Duration, failure: &str) -> sqlx::Result<u64> {
    let updated = sqlx::query(
        "update jobs set state = 'failed', failure = $2, updated_at = now() \
         where state in ('queued', 'running') and updated_at < now() - make_interval(secs => $1)",
    )
    .bind(age.as_secs_f64())
    .bind(failure)
    .execute(pool)
    .await?;
    Ok(updated.rows_affected())
}

/// Up to `limit` jobs with ids above `after` that can only come to an end with their input: `queued` without a change for
/// `queued_for`, or `running` without one for `running_for`. By id.
pub async fn waiting(
    pool: &PgPool,
    queued_for: Duration,
    running_for: Duration,
    after: Option<Uuid>,
    limit: u32,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "select id from jobs where id > $3 \
         and (state = 'queued' and updated_at < now() - make_interval(secs => $1) \
         or state = 'running' and updated_at < now() - make_interval(secs => $2)) order by id limit $4",
    )
    .bind(queued_for.as_secs_f64())
    .bind(running_for.as_secs_f64())
    .bind(after.unwrap_or(Uuid::nil()))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await
}

/// A job's output, already in the image store under `image_id`.
#[derive(Clone, Debug)]
pub struct Output {
    /// The object's key.
    pub image_id: Uuid,
    /// Such as `image/png`.
    pub content_type: String,
    /// Size of the object's plain bytes.
    pub size_bytes: u64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Palette, perceptual hash, `BlurHash`: what is said of the picture without showing it.
    pub description: serde_json::Value,
}

/// What became of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It is the job's output, until the given moment of the database's clock.
    Kept {
        /// When it expires.
        expires_at: OffsetDateTime,
    },
    /// The job has ended otherwise (another worker was quicker) or is gone: the caller removes its object
    /// again.
    Superseded,
}

/// Ends a job with its output: the image row and the job's state in one transaction. The output's life begins
/// here, by the database's clock. Only the first caller for a job gets [`Finished::Kept`].
pub async fn finish(pool: &PgPool, job_id: Uuid, output: &Output) -> sqlx::Result<Finished> {
    let mut transaction = pool.begin().await?;
    // The row lock makes a second worker wait here, and then see that the job is done.
    let job: Option<JobRow> = sqlx::query_as(
        "update jobs set state = 'done', image_id = $2, failure = null, updated_at = now() \
         where id = $1 and state in ('queued', 'running') returning *",
    )
    .bind(job_id)
    .bind(output.image_id)
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(job) = job else {
        return Ok(Finished::Superseded);
    };
    let row = sqlx::query(
        "insert into images \
         (id, user_id, job_id, effect, content_type, size_bytes, width, height, description, expires_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + make_interval(secs => $10)) \
         returning expires_at",
    )
    .bind(output.image_id)
    .bind(job.user_id)
    .bind(job.id)
    .bind(job.effect.as_str())
    .bind(&output.content_type)
    .bind(i64::try_from(output.size_bytes).unwrap_or(i64::MAX))
    .bind(i32::try_from(output.width).unwrap_or(i32::MAX))
    .bind(i32::try_from(output.height).unwrap_or(i32::MAX))
    .bind(&output.description)
    .bind(job.ttl.as_secs_f64())
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Finished::Kept { expires_at: row.try_get("expires_at")? })
}

#[cfg(test)]
mod tests {
    use super::{Effect, JobState};

    #[test]
    fn names_are_the_same_in_json_and_in_the_database() {
        for effect in Effect::ALL {
            assert_eq!(serde_json::to_value(effect).unwrap(), effect.as_str());
            assert_eq!(effect.as_str().parse(), Ok(effect));
        }
        for state in JobState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }

    #[test]
    fn unknown_effect_is_refused_without_repeating_it() {
        let error = "<script>".parse::<Effect>().unwrap_err();
        assert_eq!(error.to_string(), "unknown effect");
    }
}
