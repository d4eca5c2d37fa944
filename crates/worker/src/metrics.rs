//! What the worker counts.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use service::Metrics;

/// From a small picture to the default timeout of a job, in seconds.
const DURATION_BUCKETS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DoneLabels {
    effect: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FailedLabels {
    reason: &'static str,
}

/// The worker's own metrics; clones count together.
#[derive(Clone)]
pub(crate) struct WorkerMetrics {
    done: Family<DoneLabels, Counter>,
    failed: Family<FailedLabels, Counter>,
    duration: Histogram,
    pub(crate) put_off: Counter,
    pub(crate) dead: Counter,
    pub(crate) running: Gauge,
    pub(crate) queue_depth: Gauge,
    pub(crate) swept: Counter,
    pub(crate) sweep_seconds: Counter<f64, AtomicU64>,
    pub(crate) sweep_failures: Counter,
    pub(crate) orphans: Counter,
    pub(crate) rows_without_objects: Counter,
    pub(crate) objects_missing: Gauge,
    pub(crate) outputs_live: Gauge,
    pub(crate) outputs_expired: Gauge,
    pub(crate) abandoned: Counter,
    pub(crate) oldest_overdue: Gauge<f64, AtomicU64>,
}

impl WorkerMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        Self {
            done: metrics.register("jobs_done", "Jobs that ended with an output", Family::default()),
            failed: metrics.register("jobs_failed", "Jobs that ended without an output", Family::default()),
            duration: metrics.register(
                "job_duration_seconds",
                "Seconds from taking a job to its output",
                Histogram::new(DURATION_BUCKETS),
            ),
            put_off: metrics.register(
                "jobs_put_off",
                "Attempts left for later, since a dependency was away",
                Counter::default(),
            ),
            dead: metrics.register("jobs_dead", "Jobs put among the dead letters", Counter::default()),
            running: metrics.register("jobs_running", "Jobs under way", Gauge::default()),
            queue_depth: metrics.register("queue_depth", "Jobs waiting or under way", Gauge::default()),
            swept: metrics.register("outputs_swept", "Expired outputs removed", Counter::default()),
            sweep_seconds: metrics.register(
                "sweep_seconds",
                "Seconds spent on removing expired outputs",
                Counter::default(),
            ),
            sweep_failures: metrics.register(
                "sweep_failures",
                "Tries to remove an expired output that failed",
                Counter::default(),
            ),
            orphans: metrics.register("orphans_removed", "Objects without a row removed", Counter::default()),
            rows_without_objects: metrics.register(
                "rows_without_objects_removed",
                "Rows of living outputs removed, since their object was gone",
                Counter::default(),
            ),
            objects_missing: metrics.register(
                "objects_missing",
                "Living outputs whose object the image store did not have at the last look",
                Gauge::default(),
            ),
            outputs_live: metrics.register(
                "outputs_live",
                "Outputs whose time is not over",
                Gauge::default(),
            ),
            outputs_expired: metrics.register(
                "outputs_expired",
                "Outputs whose time is over, and which wait to be removed",
                Gauge::default(),
            ),
            abandoned: metrics.register(
                "jobs_abandoned",
                "Jobs failed because the queue had lost them",
                Counter::default(),
            ),
            oldest_overdue: metrics.register(
                "oldest_overdue_seconds",
                "How long the oldest expired output has been waiting to be removed",
                Gauge::default(),
            ),
        }
    }

    pub(crate) fn job_done(&self, effect: jobs::Effect, took: Duration) {
        self.done.get_or_create(&DoneLabels { effect: effect.as_str() }).inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub(crate) fn job_failed(&self, reason: &'static str) {
        self.failed.get_or_create(&FailedLabels { reason }).inc();
    }
}
