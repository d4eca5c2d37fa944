//! The rows of jobs and outputs, asked for as the database's owner.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, Row};

use crate::{
    engine::innermost,
    observation::{JobEnd, Seen},
    running::RunningStack,
};

fn told(error: &sqlx::Error) -> String {
    format!("asking the database: {}", innermost(error))
}

/// Every row of an output, and whether its life goes on.
pub(super) async fn outputs(running: &RunningStack) -> Seen<BTreeMap<String, bool>> {
    let mut database = running.database().await?;
    let query = sqlx::query("SELECT id::text AS id, expires_at > now() AS alive FROM images");
    let rows = query.fetch_all(&mut database).await.map_err(|error| told(&error))?;
    let pair = |row: sqlx::postgres::PgRow| Ok((row.try_get("id")?, row.try_get("alive")?));
    rows.into_iter().map(pair).collect::<sqlx::Result<_>>().map_err(|error| told(&error))
}

/// Removes the row of an output.
pub(super) async fn remove(running: &RunningStack, image: &str) -> Seen<()> {
    let mut database = running.database().await?;
    let query = sqlx::query("DELETE FROM images WHERE id::text = $1").bind(image);
    let removed = query.execute(&mut database).await.map_err(|error| told(&error))?;
    match removed.rows_affected() {
        1 => Ok(()),
        rows => Err(format!("removing the row of image {image} removed {rows} rows")),
    }
}

/// The jobs that somebody has begun and nobody has ended, whether or not whoever began them lives.
pub(super) async fn jobs_under_way(running: &RunningStack) -> Seen<BTreeSet<String>> {
    let mut database = running.database().await?;
    let query = sqlx::query("SELECT id::text AS id FROM jobs WHERE state = 'running'");
    let rows = query.fetch_all(&mut database).await.map_err(|error| told(&error))?;
    rows.iter().map(|row| row.try_get("id")).collect::<sqlx::Result<_>>().map_err(|error| told(&error))
}

/// What became of a job, but for its objects.
pub(super) async fn job(database: &mut PgConnection, job: &str) -> Seen<JobEnd> {
    let query = "SELECT state, failure, image_id::text AS output, \
                 array(SELECT id::text FROM images WHERE job_id = jobs.id) AS rows FROM jobs WHERE id::text = $1";
    let row = sqlx::query(query).bind(job).fetch_one(database).await.map_err(|error| told(&error))?;
    let read = |row: &sqlx::postgres::PgRow| {
        Ok(JobEnd {
            job: job.to_owned(),
            state: row.try_get("state")?,
            failure: row.try_get("failure")?,
            output: row.try_get("output")?,
            rows: row.try_get::<Vec<String>, _>("rows")?.into_iter().collect(),
            objects: 0,
        })
    };
    read(&row).map_err(|error: sqlx::Error| told(&error))
}
