//! Postgres as a dependency: its settings, a lazy pool, its probe.

use std::io::ErrorKind;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

use crate::{Secret, SettingError, Settings};

/// A request that gets no connection by then is answered 503.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(2);

/// No query of a service takes this long; one that does is stopped by the server, so that it frees its
/// connection.
const STATEMENT_TIMEOUT: &str = "5s";

/// Where the database is and who we are there. `Debug` shows no password.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// Host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database's name.
    pub database: String,
    /// The role.
    pub user: String,
    /// The role's password.
    pub password: Secret,
}

impl PostgresConfig {
    /// Reads `POSTGRES_HOST`, `POSTGRES_PORT` (5432), `POSTGRES_DB`, `POSTGRES_USER`, `POSTGRES_PASSWORD` (or
    /// `_FILE`).
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            host: settings.required("POSTGRES_HOST", "the host name of the database")?,
            port: settings.parsed("POSTGRES_PORT", Some("5432"), "a port, from 1 to 65535")?,
            database: settings.required("POSTGRES_DB", "the name of the database")?,
            user: settings.required("POSTGRES_USER", "the name of a database role")?,
            password: settings.secret("POSTGRES_PASSWORD", 1)?,
        })
    }

    /// What sqlx wants to know to connect.
    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host(&self.host)
            .port(self.port)
            .database(&self.database)
            .username(&self.user)
            .password(self.password.expose())
    }

    /// A pool that connects when it is first used, so that a service starts before its database does. It
    /// tests a connection before handing it out, so that a restart of the database costs no request an error.
    pub fn pool(&self, max_connections: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_WITHIN)
            .idle_timeout(Duration::from_mins(1))
            .test_before_acquire(true)
            .connect_lazy_with(self.options().options([("statement_timeout", STATEMENT_TIMEOUT)]))
    }

    /// Connects afresh and runs `query`, such as `select 1 from jobs limit 0`. Afresh, for a pool only knows
    /// that it waited too long, and an operator wants to know why.
    pub async fn probe(&self, query: &'static str) -> Result<(), String> {
        let attempt = async {
            let mut connection = self.options().connect().await?;
            sqlx::query(query).execute(&mut connection).await?;
            connection.close().await
        };
        attempt.await.map_err(|error: sqlx::Error| reason(&error))
    }
}

/// A few words on why the database did not do what it was asked, without anything that it holds.
pub fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(error) => match error.kind() {
            kind @ (ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::HostUnreachable
            | ErrorKind::TimedOut
            | ErrorKind::UnexpectedEof) => kind.to_string(),
            _ => "its name or address cannot be reached".to_owned(),
        },
        sqlx::Error::PoolTimedOut => format!("no connection within {} s", ACQUIRE_WITHIN.as_secs()),
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some("28P01" | "28000") => "the role's password was refused".to_owned(),
            Some("42P01") => "its schema is missing; run the migration".to_owned(),
            Some("42501") => "the role lacks a permission".to_owned(),
            Some("57P03") => "it is starting up or shutting down".to_owned(),
            Some("3D000") => "the database does not exist".to_owned(),
            Some(code) => format!("it answered SQLSTATE {code}"),
            None => "it answered an error".to_owned(),
        },
        sqlx::Error::Tls(_) => "no agreement on TLS".to_owned(),
        sqlx::Error::Protocol(_) => "it does not speak the Postgres protocol as expected".to_owned(),
        _ => "the query failed".to_owned(),
    }
}
