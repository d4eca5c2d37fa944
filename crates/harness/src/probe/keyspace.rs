//! What is in Redis: the name of every key, its value, and for how long. And the slowest commands it remembers, which hold
//! the beginning of what was written.

use std::time::Duration;

use redis::{Value, aio::MultiplexedConnection, cmd};
use stack::Readiness;

use super::readiness;
use crate::{canary::Canary, observation::Seen, running::RunningStack};

/// So many slow commands are asked for: more than are kept by default.
const SLOW_COMMANDS: u32 = 1000;

/// A key and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// Its database.
    pub(crate) database: u32,
    /// Its name.
    pub(crate) name: Vec<u8>,
    /// All that it holds, one thing after the other.
    pub(crate) value: Vec<u8>,
    /// Until it is gone by itself. None: it stays for ever.
    pub(crate) left: Option<Duration>,
}

/// The name of the service of the definition that has `ready: redis`.
pub(crate) fn service(running: &RunningStack) -> Seen<String> {
    defined(running).map(|(name, ..)| name.clone())
}

fn defined(running: &RunningStack) -> Seen<(&String, u16, &Option<String>)> {
    let found = running.stack().services.iter().find_map(|(name, service)| match &service.ready {
        Some(Readiness::Redis { port, password_secret }) => Some((name, *port, password_secret)),
        _ => None,
    });
    found.ok_or_else(|| "no service has `ready: redis`".into())
}

/// A connection to that service.
pub(crate) async fn connect(running: &RunningStack) -> Seen<MultiplexedConnection> {
    let (name, port, secret) = defined(running)?;
    let address = running.endpoint(name, port).await?;
    let secrets = running.secrets();
    let password = secret.as_ref().and_then(|name| secrets.get(name)).map(Canary::reveal);
    readiness::redis_connection(address, password).await.map_err(|error| told(&error))
}

/// Every key of every database.
pub(crate) async fn read(connection: &mut MultiplexedConnection) -> Seen<Vec<Key>> {
    let info: String = ask(connection, cmd("INFO").arg("keyspace")).await?;
    let databases = info.lines().filter_map(|line| line.strip_prefix("db")?.split(':').next()?.parse().ok());
    let mut keys = Vec::new();
    for database in databases {
        select(connection, database).await?;
        let mut cursor = 0_u64;
        loop {
            let (next, names): (u64, Vec<Vec<u8>>) =
                ask(connection, cmd("SCAN").arg(cursor).arg("COUNT").arg(1000)).await?;
            for name in names {
                let value = value_of(connection, &name).await?;
                let left: i64 = ask(connection, cmd("PTTL").arg(&name)).await?;
                // Below -1 it has gone meanwhile; what it held was there all the same.
                let left = (left != -1).then(|| Duration::from_millis(u64::try_from(left).unwrap_or(0)));
                keys.push(Key { database, name, value, left });
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
    }
    select(connection, 0).await?;
    Ok(keys)
}

/// The commands that took long, as far as Redis remembers them.
pub(crate) async fn slow_commands(connection: &mut MultiplexedConnection) -> Seen<Vec<u8>> {
    let mut bytes = Vec::new();
    let slow: Value = ask(connection, cmd("SLOWLOG").arg("GET").arg(SLOW_COMMANDS)).await?;
    append(slow, &mut bytes);
    Ok(bytes)
}

/// Removes a key.
pub(crate) async fn remove(connection: &mut MultiplexedConnection, key: &Key) -> Seen<()> {
    select(connection, key.database).await?;
    let _: i64 = ask(connection, cmd("DEL").arg(&key.name)).await?;
    select(connection, 0).await
}

/// Keeps a text for a minute in a key that has it in its name, too.
pub(crate) async fn keep(connection: &mut MultiplexedConnection, text: &str) -> Seen<()> {
    ask(connection, cmd("SET").arg(format!("shakedown:control:{text}")).arg(text).arg("EX").arg(60)).await
}

async fn select(connection: &mut MultiplexedConnection, database: u32) -> Seen<()> {
    ask(connection, cmd("SELECT").arg(database)).await
}

/// Not by `DUMP`, which makes values smaller, and unreadable for a search.
async fn value_of(connection: &mut MultiplexedConnection, name: &[u8]) -> Seen<Vec<u8>> {
    let kind: String = ask(connection, cmd("TYPE").arg(name)).await?;
    let mut command = match kind.as_str() {
        "string" => cmd("GET"),
        "hash" => cmd("HGETALL"),
        "list" => cmd("LRANGE"),
        "set" => cmd("SMEMBERS"),
        "zset" => cmd("ZRANGE"),
        "stream" => cmd("XRANGE"),
        "none" => return Ok(Vec::new()),
        other => return Err(format!("a key is of type {other}, which nobody here can read")),
    };
    command.arg(name);
    match kind.as_str() {
        "list" | "zset" => {
            command.arg(0).arg(-1);
        }
        "stream" => {
            command.arg("-").arg("+");
        }
        _ => {}
    }
    let mut bytes = Vec::new();
    append(ask(connection, &command).await?, &mut bytes);
    Ok(bytes)
}

async fn ask<T: redis::FromRedisValue>(
    connection: &mut MultiplexedConnection,
    command: &redis::Cmd,
) -> Seen<T> {
    command.query_async(connection).await.map_err(|error| told(&error))
}

fn told(error: &redis::RedisError) -> String {
    format!("asking Redis: {error}")
}

/// Every text in an answer, on a line of its own.
fn append(value: Value, bytes: &mut Vec<u8>) {
    match value {
        Value::BulkString(text) => bytes.extend([text.as_slice(), b"\n"].concat()),
        Value::SimpleString(text) => bytes.extend([text.as_bytes(), b"\n"].concat()),
        Value::Array(values) | Value::Set(values) => {
            for value in values {
                append(value, bytes);
            }
        }
        Value::Map(pairs) => {
            for (key, value) in pairs {
                append(key, bytes);
                append(value, bytes);
            }
        }
        _ => {}
    }
}
