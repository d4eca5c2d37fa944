//! Sessions: a random token for the client, its hash in Redis with two expiries, one that moves on with each use
//! and one that does not.

mod signed_in;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::{RedisResult, Script};
use service::redis::Redis;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) use signed_in::SignedIn;

static OPEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("open.lua")));
static FIND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("find.lua")));
static END_ALL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("end_all.lua")));

/// Open sessions of one account; one more ends the oldest. Bounds what a client can fill Redis with.
const SESSIONS_OF_USER: usize = 100;

/// The open sessions. What has expired is Redis's clock's to say, for it is the one clock of all replicas.
#[derive(Clone)]
pub(crate) struct Sessions {
    redis: Redis,
}

/// How long a session lives, both in whole milliseconds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// In all.
    pub(crate) ttl: Duration,
    /// Without being used.
    pub(crate) idle: Duration,
}

/// A session as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) user_id: Uuid,
    pub(crate) idle: Duration,
    /// However much it is used.
    pub(crate) ends_at: OffsetDateTime,
    key: String,
}

impl Sessions {
    pub(crate) fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// Opens a session and returns its token, which is stored nowhere.
    pub(crate) async fn open(&self, user_id: Uuid, life: Life) -> RedisResult<(String, Session)> {
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let key = key(&token);
        let mut script = OPEN.prepare_invoke();
        script.key(&key).key(key_of_all(user_id));
        script.arg(user_id.to_string()).arg(milliseconds(life.idle)).arg(milliseconds(life.ttl));
        script.arg(SESSIONS_OF_USER);
        let ends_at = moment(self.redis.invoke(&script).await?);
        Ok((token, Session { user_id, idle: life.idle, ends_at, key }))
    }

    /// The session of a token, if there is one; counts as its use.
    pub(crate) async fn find(&self, token: &str) -> RedisResult<Option<Session>> {
        let key = key(token);
        let mut script = FIND.prepare_invoke();
        let found: Option<(String, u64, i64)> = self.redis.invoke(script.key(&key)).await?;
        Ok(found.and_then(|(user_id, idle_ms, ends_at_ms)| {
            let (idle, ends_at) = (Duration::from_millis(idle_ms), moment(ends_at_ms));
            Some(Session { user_id: user_id.parse().ok()?, idle, ends_at, key })
        }))
    }

    /// Ends a session at once.
    pub(crate) async fn end(&self, session: &Session) -> RedisResult<()> {
        let mut commands = redis::pipe();
        commands.cmd("DEL").arg(&session.key).ignore();
        commands.cmd("ZREM").arg(key_of_all(session.user_id)).arg(&session.key).ignore();
        self.redis.run_all(&commands).await
    }

    /// Ends every session of a user at once, and says how many there were.
    pub(crate) async fn end_all(&self, user_id: Uuid) -> RedisResult<u64> {
        self.end_all_but(user_id, "").await
    }

    /// Ends every session of its user but this one, and says how many there were.
    pub(crate) async fn end_others(&self, session: &Session) -> RedisResult<u64> {
        self.end_all_but(session.user_id, &session.key).await
    }

    async fn end_all_but(&self, user_id: Uuid, stays: &str) -> RedisResult<u64> {
        let mut script = END_ALL.prepare_invoke();
        self.redis.invoke(script.key(key_of_all(user_id)).arg(stays)).await
    }
}

/// Redis holds a hash: whoever reads it there cannot sign in with it.
fn key(token: &str) -> String {
    format!("session:{}", hex::encode(Sha256::digest(token.as_bytes())))
}

/// Where the keys of a user's sessions are listed.
fn key_of_all(user_id: Uuid) -> String {
    format!("sessions:{user_id}")
}

fn milliseconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

fn moment(unix_ms: i64) -> OffsetDateTime {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000);
    moment.unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
