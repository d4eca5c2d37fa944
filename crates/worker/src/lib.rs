//! Takes jobs from the queue, makes outputs, sweeps what has expired.
//!
//! [`picture`] is pure and does the work; everything else brings it in, takes it out, and cleans up.

pub mod config;
mod job;
mod lost;
mod metrics;
mod outage;
pub mod picture;
mod queue;
mod reconcile;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use image_store::ImageStore;
use jobs::Consumer;
use service::{Metrics, Readiness, Shutdown};
use sqlx::PgPool;

pub use config::Config;

use metrics::WorkerMetrics;

/// How long one wait for a job blocks. A stop is noticed that much later at most.
const BLOCK: Duration = Duration::from_secs(1);
/// Jobs, sweeper and reconciler together.
const CONNECTIONS: u32 = 12;

/// Everything a running worker holds. Made without touching a dependency: the worker starts while they are away.
pub struct Worker {
    config: Config,
    pool: PgPool,
    consumer: Consumer,
    store: Arc<dyn ImageStore>,
    metrics: WorkerMetrics,
    registry: Metrics,
}

impl Worker {
    /// Opens lazy connections. Needs a tokio runtime; fails only where Redis' address cannot be understood.
    pub fn new(config: Config) -> Result<Self, Box<dyn std::error::Error>> {
        let registry = Metrics::new();
        // A name that no other worker has: what this one holds and never ends is reclaimed by the others.
        let name = format!("worker-{}", uuid::Uuid::new_v4().simple());
        Ok(Self {
            pool: config.postgres.pool(CONNECTIONS),
            consumer: Consumer::new(&config.redis, name, BLOCK)?,
            store: config.store.open(),
            metrics: WorkerMetrics::register(&registry),
            registry,
            config,
        })
    }

    /// Serves and works until `shutdown` is requested, then ends the jobs under way within the grace period.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), service::ServeError> {
        let router = service::http::operations::routes(self.readiness(), self.registry.clone());
        let router = service::http::wrap(router, &self.registry);
        let (listen, grace) = (self.config.listen, self.config.shutdown_grace);

        let worker = Arc::new(self);
        let queue = tokio::spawn(queue::run(Arc::clone(&worker), shutdown.clone()));
        let sweeper = tokio::spawn(sweep::run(Arc::clone(&worker), shutdown.clone()));
        let lost = tokio::spawn(lost::run(Arc::clone(&worker), shutdown.clone()));
        let reconciler = tokio::spawn(reconcile::run(worker, shutdown.clone()));
        let stop = shutdown.clone();
        let served = tokio::spawn(async move {
            let served = service::serve(listen, router, shutdown, grace).await;
            // Without its port a worker cannot be looked at, so it must not go on unseen.
            stop.request();
            served
        });
        for task in [queue, sweeper, lost, reconciler] {
            if let Err(stopped) = task.await {
                tracing::error!(error = %stopped, "a task ended early");
            }
        }
        served.await.unwrap_or(Ok(()))
    }

    fn readiness(&self) -> Readiness {
        let postgres = self.config.postgres.clone();
        let redis = self.consumer.redis().clone();
        let store = Arc::clone(&self.store);
        Readiness::new()
            .with("postgres", move || {
                let postgres = postgres.clone();
                async move { postgres.probe("select 1 from jobs limit 0").await }
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
