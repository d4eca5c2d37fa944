//! What every service does alike: settings, logs, health, readiness, metrics, draining.
