//! `api migrate`: brings the schema up to date as its owner, and gives the services' role what it needs and
//! no more.

use std::time::{Duration, Instant};

use postgres_protocol::password::scram_sha_256;
use service::Secret;
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use thiserror::Error;

use crate::config::MigrateConfig;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The newest migration that this program was built with; 0 where there is none.
pub(crate) fn newest_version() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Long enough for a database that is still being made.
const POSTGRES_WITHIN: Duration = Duration::from_secs(30);

/// Between attempts to connect.
const ATTEMPT_INTERVAL: Duration = Duration::from_millis(250);

/// Two migrations of one database take turns. Any number will do, as long as all of them use it.
const LOCK: i64 = 0x5348_414b_4544_4f57;

/// Why the schema is not up to date.
#[derive(Debug, Error)]
pub(crate) enum MigrationError {
    #[error("postgres could not be reached within {} s; last seen: {last}", POSTGRES_WITHIN.as_secs())]
    Unreachable { last: String },
    #[error("postgres refused the owner role: {0}; see POSTGRES_USER and POSTGRES_PASSWORD")]
    Refused(String),
    #[error("the schema could not be brought up to date")]
    Schema(#[from] MigrateError),
    #[error("the role {role} could not be made or given its rights")]
    Role { role: String, source: sqlx::Error },
    #[error("the migration's lock could not be taken")]
    Lock(#[source] sqlx::Error),
}

/// Returns the schema's version after the migration.
pub(crate) async fn migrate(config: &MigrateConfig) -> Result<i64, MigrationError> {
    let mut connection = connect(config).await?;
    // Goes with the connection, whatever happens below.
    sqlx::query("select pg_advisory_lock($1)")
        .bind(LOCK)
        .execute(&mut connection)
        .await
        .map_err(MigrationError::Lock)?;
    MIGRATIONS.run_direct(None, &mut connection, false).await?;
    grant(&mut connection, config)
        .await
        .map_err(|source| MigrationError::Role { role: config.app_user.clone(), source })?;
    // The work is done and committed; a server that is gone by now changes nothing.
    let _ = connection.close().await;
    Ok(newest_version())
}

async fn connect(config: &MigrateConfig) -> Result<PgConnection, MigrationError> {
    let deadline = Instant::now() + POSTGRES_WITHIN;
    let options = config.postgres.options();
    loop {
        let error = match options.connect().await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let last = service::postgres::reason(&error);
        if error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code.starts_with("28"))
        {
            return Err(MigrationError::Refused(last));
        }
        if Instant::now() >= deadline {
            return Err(MigrationError::Unreachable { last });
        }
        tracing::info!(dependency = "postgres", last, "waiting for postgres");
        tokio::time::sleep(ATTEMPT_INTERVAL).await;
    }
}

/// One transaction: the role, its password, its rights.
async fn grant(connection: &mut PgConnection, config: &MigrateConfig) -> sqlx::Result<()> {
    let mut transaction = connection.begin().await?;
    let exists: bool = sqlx::query_scalar("select exists (select from pg_roles where rolname = $1)")
        .bind(&config.app_user)
        .fetch_one(&mut *transaction)
        .await?;
    let script = grants(&config.app_user, &config.postgres.database, &config.app_password, exists);
    // Both names were checked to need no quoting, and a verifier is base64.
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// The password goes to the server as a SCRAM verifier made here, so that no log of the server ever holds it.
fn grants(role: &str, database: &str, password: &Secret, exists: bool) -> String {
    let verb = if exists { "alter" } else { "create" };
    let verifier = scram_sha_256(password.expose().as_bytes());
    format!(
        "{verb} role \"{role}\" login password '{verifier}';
         revoke all on database \"{database}\" from public;
         grant connect on database \"{database}\" to \"{role}\";
         revoke all on schema public from public;
         grant usage on schema public to \"{role}\";
         revoke all on all tables in schema public from \"{role}\";
         grant select, insert, update (password_hash) on users to \"{role}\";
         grant select, insert, update, delete on jobs to \"{role}\";
         grant select, insert, delete on images to \"{role}\";"
    )
}

#[cfg(test)]
mod tests {
    use service::Secret;

    use super::{MIGRATIONS, grants};

    #[test]
    fn password_is_sent_as_a_verifier_only() {
        let script = grants("shakedown_app", "shakedown", &Secret::new("hunter2hunter2"), false);
        assert!(script.contains("password 'SCRAM-SHA-256$4096:") && !script.contains("hunter2"), "{script}");
    }

    #[test]
    fn migrations_are_numbered_without_gaps() {
        let versions: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        let expected: Vec<i64> = (1..).take(versions.len()).collect();
        assert_eq!(versions, expected);
    }
}
