//! Redis as a dependency: its settings, a connection that comes back by itself, its probe.

use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError, RedisResult,
    ScriptInvocation,
};
use uuid::Uuid;

use crate::{Secret, SettingError, Settings};

/// A connection that is not there by then is not coming.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// An answer that takes longer is not coming; payloads of 10 MB included.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Where Redis is. `Debug` shows no password.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    host: String,
    port: u16,
    database: i64,
    password: Secret,
}

impl RedisConfig {
    /// Reads `REDIS_URL` (`redis://host:port/db`, no credentials in it) and `REDIS_PASSWORD` (or `_FILE`).
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        const EXPECTED: &str =
            "redis://HOST:PORT/DATABASE without credentials, which belong in REDIS_PASSWORD";
        let url = settings.required("REDIS_URL", EXPECTED)?;
        let wrong = || SettingError::invalid("REDIS_URL", EXPECTED);
        if !url.starts_with("redis://") || url.contains('@') || url.contains('?') {
            return Err(wrong());
        }
        let info = url.as_str().into_connection_info().map_err(|_| wrong())?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err(wrong());
        };
        Ok(Self {
            host: host.clone(),
            port: *port,
            database: info.redis_settings().db(),
            password: settings.secret("REDIS_PASSWORD", 1)?,
        })
    }

    /// A connection for ordinary commands, made when it is first used. Needs a tokio runtime.
    pub fn connect(&self) -> RedisResult<Redis> {
        self.connect_waiting(Duration::ZERO)
    }

    /// A connection for commands that block on the server for up to `block`. It must not be shared with other
    /// work: a blocked connection answers nobody else. Needs a tokio runtime.
    pub fn connect_waiting(&self, block: Duration) -> RedisResult<Redis> {
        let address = ConnectionAddr::Tcp(self.host.clone(), self.port);
        let mut info = address.into_connection_info()?;
        let settings =
            info.redis_settings().clone().set_db(self.database).set_password(self.password.expose());
        info = info.set_redis_settings(settings);
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN + block))
            .set_number_of_retries(0);
        Ok(Redis { connection: ConnectionManager::new_lazy_with_config(Client::open(info)?, config)? })
    }
}

/// A connection that clones share, and that is made anew after it broke.
#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
}

impl Redis {
    /// Sends a command. One that met a broken connection is sent a second time over a fresh one (so commands
    /// must bear being run twice); with the timeouts above, the answer or the error is here within about four
    /// seconds.
    pub async fn run<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut connection = self.connection.clone();
        match command.query_async(&mut connection).await {
            Err(error) if is_broken(&error) => command.query_async(&mut connection).await,
            result => result,
        }
    }

    /// Sends several commands at once, with the same second chance.
    pub async fn run_all<T: FromRedisValue>(&self, commands: &Pipeline) -> RedisResult<T> {
        let mut connection = self.connection.clone();
        match commands.query_async(&mut connection).await {
            Err(error) if is_broken(&error) => commands.query_async(&mut connection).await,
            result => result,
        }
    }

    /// Runs a script (uploading it when the server does not know it), with the same second chance: the script,
    /// too, must bear being run twice. Nothing runs between its commands.
    pub async fn invoke<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> RedisResult<T> {
        let mut connection = self.connection.clone();
        match script.invoke_async(&mut connection).await {
            Err(error) if is_broken(&error) => script.invoke_async(&mut connection).await,
            result => result,
        }
    }

    /// Writes a value of its own and reads it back.
    pub async fn probe(&self) -> Result<(), String> {
        let key = format!("probe:{}", Uuid::new_v4());
        let mut commands = redis::pipe();
        commands.cmd("SET").arg(&key).arg("written").arg("EX").arg(5).ignore();
        commands.cmd("GET").arg(&key);
        commands.cmd("DEL").arg(&key).ignore();
        let (read,): (Option<String>,) = self.run_all(&commands).await.map_err(|error| reason(&error))?;
        if read.as_deref() == Some("written") {
            Ok(())
        } else {
            Err("it did not keep what was written".to_owned())
        }
    }

    /// The database number that the connection talks to.
    pub fn database(&self) -> i64 {
        self.connection.get_db()
    }
}

fn is_broken(error: &RedisError) -> bool {
    !error.is_timeout()
        && (error.is_io_error() || error.is_connection_dropped() || error.is_connection_refusal())
}

/// A few words on why Redis did not do what it was asked, without anything that it holds.
pub fn reason(error: &RedisError) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    if error.is_connection_refusal() {
        return "connection refused".to_owned();
    }
    match error.code() {
        Some("NOAUTH" | "WRONGPASS") => return "the password was refused".to_owned(),
        Some("OOM") => return "its memory is full".to_owned(),
        Some("LOADING") => return "it is starting up".to_owned(),
        Some("READONLY") => return "it takes no writes".to_owned(),
        _ => {}
    }
    match error.kind() {
        redis::ErrorKind::AuthenticationFailed => "the password was refused".to_owned(),
        _ if error.is_connection_dropped() => "the connection was closed".to_owned(),
        _ if error.is_io_error() => "its name or address cannot be reached".to_owned(),
        _ => "the command failed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::RedisConfig;
    use crate::Settings;

    #[rstest]
    #[case::password_inside("redis://:hunter2@redis:6379/0")]
    #[case::user_inside("redis://user:hunter2@redis:6379/0")]
    #[case::other_scheme("http://redis:6379/0")]
    #[case::query("redis://redis:6379/0?password=hunter2")]
    #[case::no_host("redis:///0")]
    #[case::words("redis")]
    fn redis_url_is_refused_without_showing_it(#[case] url: &str) {
        let settings = Settings::from_pairs([("REDIS_URL", url), ("REDIS_PASSWORD", "p")]);
        let error = RedisConfig::read(&settings).unwrap_err();
        assert_eq!(error.name(), "REDIS_URL");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn redis_url_with_host_port_and_database_is_taken() {
        let settings = Settings::from_pairs([("REDIS_URL", "redis://cache:6380/3"), ("REDIS_PASSWORD", "p")]);
        let config = RedisConfig::read(&settings).unwrap();
        assert_eq!((config.host.as_str(), config.port, config.database), ("cache", 6380, 3));
        assert!(format!("{config:?}").contains("Secret(..)"));
    }
}
