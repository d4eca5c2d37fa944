//! Typed readiness: one attempt at real work against a service, as its clients would do it.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use redis::AsyncCommands;
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use stack::Readiness;

use crate::{canary::Canary, engine::innermost, probe::http::Client};

/// For one attempt. Short, because a stalled service must not use up the time it has to become ready.
const ATTEMPT: Duration = Duration::from_secs(2);

/// For one answer of Redis. Longer than an attempt: the client's own bound of half a second would end an attempt before
/// its time, and in words that nobody expects.
const REDIS_WITHIN: Duration = Duration::from_secs(15);

/// What is seen of a service that does not answer in time.
pub(crate) const NO_ANSWER: &str = "no answer";

/// Tries once. `Err` tells what was seen instead of a ready service, and may hold what the service said.
pub async fn attempt(
    readiness: &Readiness,
    address: SocketAddr,
    secrets: &BTreeMap<String, Canary>,
) -> Result<(), String> {
    let tried = tokio::time::timeout(ATTEMPT, async {
        match readiness {
            Readiness::Http { path, status, body, .. } => http(address, path, *status, body.as_deref()).await,
            Readiness::Postgres { user, database, password_secret, query, .. } => {
                let password = secrets.get(password_secret).map_or("", Canary::reveal);
                postgres(&role(address, user, database, password), query).await
            }
            Readiness::Redis { password_secret, .. } => {
                let password = password_secret.as_ref().and_then(|name| secrets.get(name));
                redis(address, password.map(Canary::reveal)).await
            }
        }
    });
    tried.await.unwrap_or_else(|_| Err(format!("{NO_ANSWER} within {ATTEMPT:?}")))
}

async fn http(address: SocketAddr, path: &str, status: u16, body: Option<&str>) -> Result<(), String> {
    let answer = Client::direct(address).get("readiness", path).await.answer?;
    let text = String::from_utf8_lossy(&answer.body);
    if answer.status != status {
        return Err(format!("{} where {status} was expected: {}", answer.status, excerpt(&text)));
    }
    match body {
        Some(expected) if !text.contains(expected) => {
            Err(format!("{status} without `{expected}` in its body: {}", excerpt(&text)))
        }
        _ => Ok(()),
    }
}

/// How to connect to Postgres as a role. No statement of it is ever logged by us.
pub(crate) fn role(address: SocketAddr, user: &str, database: &str, password: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host(&address.ip().to_string())
        .port(address.port())
        .username(user)
        .database(database)
        .password(password)
        .disable_statement_logging()
}

async fn postgres(role: &PgConnectOptions, query: &str) -> Result<(), String> {
    let told = |error: sqlx::Error| innermost(&error);
    let mut connection = sqlx::PgConnection::connect_with(role).await.map_err(told)?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(query.to_owned())).execute(&mut connection).await.map_err(told)?;
    connection.close().await.map_err(told)
}

/// A connection to Redis with the password where there is one.
pub(crate) async fn redis_connection(
    address: SocketAddr,
    password: Option<&str>,
) -> Result<redis::aio::MultiplexedConnection, redis::RedisError> {
    let mut settings = redis::RedisConnectionInfo::default();
    if let Some(password) = password {
        settings = settings.set_password(password);
    }
    let target = redis::ConnectionAddr::Tcp(address.ip().to_string(), address.port());
    let client = redis::Client::open(target.into_connection_info()?.set_redis_settings(settings))?;
    let patient = redis::AsyncConnectionConfig::new()
        .set_connection_timeout(Some(REDIS_WITHIN))
        .set_response_timeout(Some(REDIS_WITHIN));
    client.get_multiplexed_async_connection_with_config(&patient).await
}

use redis::IntoConnectionInfo;

async fn redis(address: SocketAddr, password: Option<&str>) -> Result<(), String> {
    let told = |error: redis::RedisError| error.to_string();
    let mut connection = redis_connection(address, password).await.map_err(told)?;
    let key = format!("shakedown:readiness:{}", hex::encode(rand::random::<[u8; 8]>()));
    let () = connection.set_ex(&key, "written", 10).await.map_err(told)?;
    let read: String = connection.get(&key).await.map_err(told)?;
    let () = connection.del(&key).await.map_err(told)?;
    if read == "written" { Ok(()) } else { Err("read back something else than was written".into()) }
}

/// The first 300 characters of an answer, on one line.
fn excerpt(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.is_empty() => "(empty body)".into(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio::net::TcpListener;

    use super::*;

    #[rstest]
    #[case::http(Readiness::Http { port: 1, path: "/ready".into(), status: 200, body: None })]
    #[case::postgres(Readiness::Postgres {
        port: 1,
        user: "owner".into(),
        database: "shakedown".into(),
        password_secret: "password".into(),
        query: "SELECT 1".into(),
    })]
    #[case::redis(Readiness::Redis { port: 1, password_secret: None })]
    #[tokio::test(start_paused = true)]
    async fn silent_service_is_told_as_such_when_the_attempt_is_over_and_not_before(
        #[case] ready: Readiness,
    ) {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let began = tokio::time::Instant::now();
        let seen = attempt(&ready, silent.local_addr().unwrap(), &BTreeMap::new()).await.unwrap_err();
        assert!(seen.contains(NO_ANSWER), "{seen}");
        assert!(began.elapsed() >= ATTEMPT, "after {:?}", began.elapsed());
    }
}
