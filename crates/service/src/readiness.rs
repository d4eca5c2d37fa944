//! Readiness: every dependency by its name, tried for real, all at once, within a bound.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

/// A dependency that has not answered by then is down.
pub const WITHIN: Duration = Duration::from_secs(2);

type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// The dependencies of a service. A probe does what the service itself needs done (a query, a write and a
/// read); its error is a few words for an operator, and never holds an address's credentials or an answer's
/// body.
#[derive(Clone, Default)]
pub struct Readiness {
    dependencies: Vec<(&'static str, Probe)>,
}

/// What `/ready` answers with.
#[derive(Debug, Serialize)]
pub struct ReadyReport {
    /// `ready` when every dependency is up.
    pub status: &'static str,
    /// One entry per dependency.
    pub dependencies: BTreeMap<&'static str, DependencyReport>,
}

/// One dependency's state.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum DependencyReport {
    /// It did what was asked.
    Up {
        /// How long that took, in milliseconds.
        latency_ms: f64,
    },
    /// It did not.
    Down {
        /// Why, in a few words.
        error: String,
    },
}

impl Readiness {
    /// No dependencies yet: always ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a dependency.
    #[must_use]
    pub fn with<F, Fut>(mut self, name: &'static str, probe: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.dependencies.push((name, Arc::new(move || Box::pin(probe()))));
        self
    }

    /// Tries all dependencies at once; takes [`WITHIN`] at most.
    pub async fn report(&self) -> ReadyReport {
        self.report_within(WITHIN).await
    }

    async fn report_within(&self, within: Duration) -> ReadyReport {
        let mut probes = tokio::task::JoinSet::new();
        for (name, probe) in &self.dependencies {
            let (name, probe) = (*name, Arc::clone(probe));
            probes.spawn(async move { (name, try_one(&probe, within).await) });
        }
        // A probe that panicked leaves this entry standing.
        let mut dependencies: BTreeMap<_, _> = self
            .dependencies
            .iter()
            .map(|(name, _)| (*name, DependencyReport::Down { error: "its probe failed".into() }))
            .collect();
        while let Some(joined) = probes.join_next().await {
            if let Ok((name, report)) = joined {
                dependencies.insert(name, report);
            }
        }
        let ready = dependencies.values().all(|report| matches!(report, DependencyReport::Up { .. }));
        ReadyReport { status: if ready { "ready" } else { "not_ready" }, dependencies }
    }
}

impl ReadyReport {
    /// Whether every dependency is up.
    pub fn is_ready(&self) -> bool {
        self.status == "ready"
    }
}

async fn try_one(probe: &Probe, within: Duration) -> DependencyReport {
    let began = Instant::now();
    match tokio::time::timeout(within, probe()).await {
        Ok(Ok(())) => {
            let latency_ms = (began.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
            DependencyReport::Up { latency_ms }
        }
        Ok(Err(error)) => DependencyReport::Down { error },
        Err(_) => DependencyReport::Down { error: format!("no answer within {within:?}") },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{DependencyReport, Readiness};

    #[tokio::test]
    async fn one_dependency_down_makes_the_service_not_ready_and_is_named() {
        let readiness = Readiness::new()
            .with("postgres", || async { Ok(()) })
            .with("redis", || async { Err("connection refused".to_owned()) });
        let report = readiness.report().await;
        assert!(!report.is_ready());
        assert!(matches!(report.dependencies["postgres"], DependencyReport::Up { .. }));
        let json = serde_json::to_value(&report.dependencies["redis"]).unwrap();
        assert_eq!(json, serde_json::json!({"status": "down", "error": "connection refused"}));
    }

    #[tokio::test]
    async fn dependency_that_never_answers_is_down_within_the_bound() {
        let readiness = Readiness::new().with("postgres", std::future::pending);
        let report = readiness.report_within(Duration::from_millis(20)).await;
        let json = serde_json::to_value(&report.dependencies["postgres"]).unwrap();
        assert_eq!(json, serde_json::json!({"status": "down", "error": "no answer within 20ms"}));
    }

    #[tokio::test]
    async fn probe_that_panics_counts_as_down() {
        let readiness = Readiness::new().with("postgres", || async { panic!("oops") });
        assert!(!readiness.report().await.is_ready());
    }
}
