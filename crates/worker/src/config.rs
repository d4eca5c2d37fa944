//! The worker's settings.

use std::net::SocketAddr;
use std::time::Duration;

use service::image_store::ImageStoreConfig;
use service::postgres::PostgresConfig;
use service::redis::RedisConfig;
use service::{SettingError, Settings};

/// What the environment asks of the worker.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where `/health`, `/ready` and `/metrics` are (`WORKER_LISTEN`).
    pub listen: SocketAddr,
    /// The rows.
    pub postgres: PostgresConfig,
    /// The queue.
    pub redis: RedisConfig,
    /// Where the outputs are and in which form (`IMAGE_STORE` and what belongs to it, as the api has it).
    pub store: ImageStoreConfig,
    /// Pause between two sweeps (`SWEEP_INTERVAL_SECONDS`).
    pub sweep_interval: Duration,
    /// What one job may take in all (`JOB_TIMEOUT_SECONDS`).
    pub job_timeout: Duration,
    /// How often a job is begun before it is given up (`JOB_ATTEMPTS`).
    pub job_attempts: u32,
    /// How long an input waits for us; after that its job cannot be done (`INPUT_TTL_SECONDS`, as the api has it).
    pub input_ttl: Duration,
    /// How long the jobs under way may go on after SIGTERM (`SHUTDOWN_GRACE_SECONDS`).
    pub shutdown_grace: Duration,
}

impl Config {
    /// Reads and checks every setting.
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        let attempts = settings.number("JOB_ATTEMPTS", 4, 1..=100)?;
        let config = Self {
            listen: settings.listen("WORKER_LISTEN", "0.0.0.0:9100")?,
            postgres: PostgresConfig::read(settings)?,
            redis: RedisConfig::read(settings)?,
            store: ImageStoreConfig::read(settings)?,
            sweep_interval: settings.seconds("SWEEP_INTERVAL_SECONDS", 2, 1..=3600)?,
            job_timeout: settings.seconds("JOB_TIMEOUT_SECONDS", 20, 1..=3600)?,
            job_attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            input_ttl: settings.seconds("INPUT_TTL_SECONDS", 120, 1..=3600)?,
            shutdown_grace: settings.seconds("SHUTDOWN_GRACE_SECONDS", 10, 0..=3600)?,
        };
        // An attempt that begins after the input is gone is none.
        if config.input_ttl < config.visibility_timeout() * config.job_attempts {
            let expected = "at least JOB_ATTEMPTS times (JOB_TIMEOUT_SECONDS + 5), so that the last attempt finds its input";
            return Err(SettingError::invalid("INPUT_TTL_SECONDS", expected));
        }
        Ok(config)
    }

    /// After this long without a word from its worker, a job is another's. Longer than any job may take.
    pub fn visibility_timeout(&self) -> Duration {
        self.job_timeout + Duration::from_secs(5)
    }

    /// After this long without a change, a job that is neither done nor failed was lost with the queue.
    pub fn abandoned_after(&self) -> Duration {
        2 * self.job_timeout + self.input_ttl
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const NEEDED: [(&str, &str); 7] = [
        ("POSTGRES_HOST", "postgres"),
        ("POSTGRES_DB", "shakedown"),
        ("POSTGRES_USER", "app"),
        ("POSTGRES_PASSWORD", "correct horse"),
        ("REDIS_URL", "redis://redis:6379/0"),
        ("REDIS_PASSWORD", "battery staple"),
        ("IMAGE_ENCRYPTION_KEY", "fedcba9876543210fedcba9876543210"),
    ];

    fn with(name: &'static str, value: &'static str) -> Result<Config, SettingError> {
        let others = NEEDED.into_iter().filter(|(other, _)| *other != name);
        Config::read(&Settings::from_pairs(others.chain([(name, value)])))
    }

    #[test]
    fn defaults_are_taken_where_nothing_is_set() {
        let config = with("POSTGRES_HOST", "postgres").unwrap();
        assert_eq!(config.listen.to_string(), "0.0.0.0:9100");
        assert_eq!(config.job_attempts, 4);
        assert_eq!(config.sweep_interval, Duration::from_secs(2));
        assert!(config.visibility_timeout() > config.job_timeout);
        assert!(config.abandoned_after() > config.visibility_timeout());
    }

    #[rstest]
    #[case("SWEEP_INTERVAL_SECONDS", "0")]
    #[case("SWEEP_INTERVAL_SECONDS", "-2")]
    #[case("SWEEP_INTERVAL_SECONDS", "3601")]
    #[case("SWEEP_INTERVAL_SECONDS", "0.5")]
    #[case("SWEEP_INTERVAL_SECONDS", "2s")]
    #[case("INPUT_TTL_SECONDS", "0")]
    #[case("INPUT_TTL_SECONDS", "-1")]
    #[case("INPUT_TTL_SECONDS", "99999999999999999999")]
    #[case("INPUT_TTL_SECONDS", "2m")]
    #[case("JOB_TIMEOUT_SECONDS", "soon")]
    #[case("INPUT_TTL_SECONDS", "99")]
    #[case("JOB_ATTEMPTS", "-1")]
    #[case("IMAGE_STORE", "tape-4815162342")]
    #[case("IMAGE_STORE_PATH", "relative/4815162342")]
    #[case("IMAGE_ENCRYPTION_KEY", "4815162342")]
    #[case("WORKER_LISTEN", "nowhere-4815162342")]
    #[case("POSTGRES_PASSWORD", "")]
    fn wrong_setting_is_refused_by_name_and_never_shown(
        #[case] name: &'static str,
        #[case] value: &'static str,
    ) {
        let error = with(name, value).unwrap_err();
        assert_eq!(error.name(), name);
        assert!(!error.to_string().contains("4815162342"), "{error}");
    }
}
