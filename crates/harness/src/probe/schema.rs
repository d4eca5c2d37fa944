//! The schema that is in the database, held beside the one that the api was built with.

use sqlx::Row;

use crate::{
    engine::innermost,
    observation::{Schema, Seen},
    running::RunningStack,
};

/// Reads both.
pub async fn observe(running: &RunningStack) -> Seen<Schema> {
    let told = |error: sqlx::Error| format!("reading the applied migrations: {}", innermost(&error));
    let mut database = running.database().await?;
    let query = "SELECT coalesce(max(version) FILTER (WHERE success), 0)::bigint AS applied, \
                 count(*) FILTER (WHERE NOT success) AS unfinished FROM _sqlx_migrations";
    let row = sqlx::query(query).fetch_one(&mut database).await.map_err(told)?;
    let metrics = running.client_of("api").await?.get("metrics", "/metrics").await.answer?;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    let built_with = schema_version(&metrics);
    Ok(Schema {
        applied: row.try_get("applied").map_err(told)?,
        unfinished: row.try_get("unfinished").map_err(told)?,
        built_with: built_with.ok_or("api's /metrics has no `build_info` with a `schema_version`")?,
    })
}

/// The label `schema_version` of the gauge `build_info`.
fn schema_version(metrics: &str) -> Option<i64> {
    let line = metrics.lines().find(|line| !line.starts_with('#') && line.contains("build_info{"))?;
    let (_, rest) = line.split_once("schema_version=\"")?;
    rest.split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_version_is_read_from_the_build_info() {
        let metrics = "# TYPE build_info gauge\nbuild_info{version=\"0.1.0\",schema_version=\"3\"} 1\n";
        assert_eq!(schema_version(metrics), Some(3));
        assert_eq!(schema_version("up 1\n"), None);
    }
}
