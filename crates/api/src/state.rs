//! What every handler may reach: the database, Redis in its several roles, the image store, the link maker, the
//! limits.

use std::sync::Arc;

use image_store::{DirectLinks, ImageStore};
use jobs::Publisher;
use service::http::TrustedHops;
use service::postgres::PostgresConfig;
use service::redis::Redis;
use service::{Origin, Readiness};
use sqlx::PgPool;
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::config::{ApiConfig, Ceilings};
use crate::limit::Limiter;
use crate::link::Links;
use crate::password::{HashError, Passwords};
use crate::session::Sessions;

/// Postgres connections; the worker needs some of the server's hundred as well.
const POSTGRES_CONNECTIONS: u32 = 16;

/// Memory for uploads, from the first byte read until Redis has them. As many as fit are taken at the same time;
/// with what hashing and publishing need beside them, the container's 256 MB are enough.
const UPLOADS_BYTES: usize = 40 * 1024 * 1024;

/// More at the same time would only share the same line.
const UPLOADS_AT_ONCE: usize = 16;

/// Uploads on their way to Redis at the same time, each in memory up to three times (the command, its packed
/// form, the write buffer).
const PUBLISHED_AT_ONCE: usize = 1;

/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) pool: PgPool,
    pub(crate) publisher: Publisher,
    pub(crate) sessions: Sessions,
    pub(crate) passwords: Passwords,
    pub(crate) store: Arc<dyn ImageStore>,
    /// Where people are sent straight to the store.
    pub(crate) direct_links: Option<DirectLinks>,
    pub(crate) links: Links,
    pub(crate) ceilings: Ceilings,
    pub(crate) limiter: Limiter,
    pub(crate) trusted_hops: TrustedHops,
    pub(crate) allowed_origins: Arc<[Origin]>,
    pub(crate) redis: Redis,
    pub(crate) upload_seats: Arc<Semaphore>,
    pub(crate) publish_seats: Arc<Semaphore>,
    public_origin: Arc<str>,
    postgres: PostgresConfig,
}

/// Why the state could not be made. No dependency is asked for anything yet, so none can be the cause.
#[derive(Debug, Error)]
pub(crate) enum StateError {
    #[error("could not prepare the Redis client")]
    Redis(#[from] redis::RedisError),
    #[error("could not prepare the passwords")]
    Passwords(#[from] HashError),
}

impl ApiState {
    /// Makes lazy connections: the api starts while its dependencies are down, and is not ready.
    pub(crate) fn connect(config: &ApiConfig) -> Result<Self, StateError> {
        let redis = config.redis.connect()?;
        Ok(Self {
            pool: config.postgres.pool(POSTGRES_CONNECTIONS),
            publisher: Publisher::new(redis.clone()),
            sessions: Sessions::new(redis.clone()),
            passwords: Passwords::new()?,
            store: config.store.open(),
            direct_links: config.store.direct_links(),
            links: Links::new(&config.link),
            ceilings: config.ceilings,
            limiter: Limiter::new(redis.clone(), config.limits),
            trusted_hops: config.trusted_hops,
            allowed_origins: config.allowed_origins.clone().into(),
            upload_seats: Arc::new(Semaphore::new(upload_seats(config.ceilings.upload_bytes))),
            publish_seats: Arc::new(Semaphore::new(PUBLISHED_AT_ONCE)),
            public_origin: config.link.public_origin.as_str().into(),
            redis,
            postgres: config.postgres.clone(),
        })
    }

    /// Scheme, host and port under which people reach the proxy.
    pub(crate) fn public_origin(&self) -> &str {
        &self.public_origin
    }

    /// The probes behind `/ready`: each does what a request would need done.
    pub(crate) fn readiness(&self) -> Readiness {
        let (postgres, redis, store) = (self.postgres.clone(), self.redis.clone(), Arc::clone(&self.store));
        Readiness::new()
            .with("postgres", move || {
                let postgres = postgres.clone();
                async move { postgres.probe("select 1 from images limit 0").await }
            })
            .with("redis", move || {
                let redis = redis.clone();
                async move { redis.probe().await }
            })
            .with("image_store", move || {
                let store = Arc::clone(&store);
                async move { store.check().await.map_err(|error| error.to_string()) }
            })
    }
}

fn upload_seats(upload_bytes: usize) -> usize {
    (UPLOADS_BYTES / upload_bytes).min(UPLOADS_AT_ONCE)
}
