//! Limits on how often: token buckets in Redis, so that all replicas count together.
//!
//! A bucket holds as many tokens as its limit says and is refilled evenly over the window; a request that finds
//! none is answered 429 and told when there will be one.

mod layers;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;
use std::time::Duration;

use axum::http::StatusCode;
use redis::Script;
use service::redis::Redis;
use service::{Problem, SettingError, Settings, http::ClientAddress};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::ApiError;

pub(crate) use layers::{every_request, preflights};

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take.lua")));

/// Attempts by one client to log in or sign up, whatever the address, in [`LimitConfig::logins`]: a household
/// shares a client address.
const LOGINS_OF_CLIENT: u64 = 6;

/// Attempts by anybody to log in with one e-mail address, in [`LimitConfig::logins`]: guesses from many
/// machines are still guesses.
const LOGINS_OF_EMAIL: u64 = 10;

/// No limit is above a million, and no window beyond a day.
const MOST: u64 = 1_000_000;
const LONGEST_WINDOW_SECONDS: u64 = 86_400;

/// How often is too often. Each is a number per window; 0 turns it off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitConfig {
    pub(crate) window: Duration,
    /// Requests of one client address.
    pub(crate) client_requests: u64,
    /// Requests of one account.
    pub(crate) account_requests: u64,
    /// Attempts by one client to log in with one e-mail address.
    pub(crate) logins: u64,
    /// Uploads of one account.
    pub(crate) uploads: u64,
}

impl LimitConfig {
    /// Reads `RATE_LIMIT_*`.
    pub(crate) fn read(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            window: settings.seconds("RATE_LIMIT_WINDOW_SECONDS", 60, 1..=LONGEST_WINDOW_SECONDS)?,
            client_requests: settings.number("RATE_LIMIT_CLIENT_REQUESTS", 1200, 0..=MOST)?,
            account_requests: settings.number("RATE_LIMIT_ACCOUNT_REQUESTS", 600, 0..=MOST)?,
            logins: settings.number("RATE_LIMIT_LOGINS", 10, 0..=MOST)?,
            uploads: settings.number("RATE_LIMIT_UPLOADS", 30, 0..=MOST)?,
        })
    }
}

/// Counts, and refuses. Clones count together, and so do all that talk to the same Redis.
#[derive(Clone)]
pub(crate) struct Limiter {
    redis: Redis,
    config: LimitConfig,
}

/// A key, and how many tokens its bucket holds.
type Bucket = (String, u64);

impl Limiter {
    pub(crate) fn new(redis: Redis, config: LimitConfig) -> Self {
        Self { redis, config }
    }

    /// Any request of a client.
    pub(crate) async fn request_of_client(&self, client: ClientAddress) -> Result<(), ApiError> {
        let bucket = (format!("limit:client:{}", client.network()), self.config.client_requests);
        self.take(&[bucket], "Too many requests from your network address; try again later.").await
    }

    /// Any request with a session.
    pub(crate) async fn request_of_account(&self, user_id: Uuid) -> Result<(), ApiError> {
        let bucket = (format!("limit:account:{user_id}"), self.config.account_requests);
        self.take(&[bucket], "Too many requests by this account; try again later.").await
    }

    /// An attempt to log in, right or wrong. `email` is what the client sent; whether it has an account changes
    /// nothing.
    pub(crate) async fn login(&self, client: ClientAddress, email: &str) -> Result<(), ApiError> {
        let logins = self.config.logins;
        let client = client.network();
        let email = hex::encode(Sha256::digest(email.to_lowercase()));
        let buckets = [
            (format!("limit:login:{client}:{email}"), logins),
            (format!("limit:login-client:{client}"), LOGINS_OF_CLIENT * logins),
            (format!("limit:login-email:{email}"), LOGINS_OF_EMAIL * logins),
        ];
        self.take(&buckets, "Too many attempts to log in; try again later.").await
    }

    /// An attempt to make an account.
    pub(crate) async fn sign_up(&self, client: ClientAddress) -> Result<(), ApiError> {
        let bucket =
            (format!("limit:login-client:{}", client.network()), LOGINS_OF_CLIENT * self.config.logins);
        self.take(&[bucket], "Too many attempts to sign up; try again later.").await
    }

    /// An attempt to name the current password, by whoever holds a session.
    pub(crate) async fn password(&self, user_id: Uuid) -> Result<(), ApiError> {
        let bucket = (format!("limit:password:{user_id}"), self.config.logins);
        self.take(&[bucket], "Too many attempts to change the password; try again later.").await
    }

    /// An upload.
    pub(crate) async fn upload(&self, user_id: Uuid) -> Result<(), ApiError> {
        let bucket = (format!("limit:upload:{user_id}"), self.config.uploads);
        self.take(&[bucket], "Too many uploads by this account; try again later.").await
    }

    /// A token from each bucket, or from none and a refusal.
    async fn take(&self, buckets: &[Bucket], refusal: &'static str) -> Result<(), ApiError> {
        match self.wait(buckets).await? {
            Duration::ZERO => Ok(()),
            wait => Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, refusal).retry_after(wait).into()),
        }
    }

    /// Zero when a token was taken from each bucket; else how long until each has one.
    async fn wait(&self, buckets: &[Bucket]) -> redis::RedisResult<Duration> {
        let mut script = TAKE.prepare_invoke();
        let mut limited = false;
        for (key, burst) in buckets.iter().filter(|(_, burst)| *burst > 0) {
            script.key(key).arg(*burst).arg(self.config.window.as_secs() * 1_000_000);
            limited = true;
        }
        if !limited {
            return Ok(Duration::ZERO);
        }
        self.redis.invoke(&script).await.map(Duration::from_micros)
    }
}
