//! What every service does alike: settings, logs, health, readiness, metrics, draining.
//!
//! A service's `main` reads: [`begin`] (logs on, settings at hand), its own config from [`Settings`], its
//! router inside [`http::wrap`], then [`serve`] until [`Shutdown`] is requested.

use std::process::ExitCode;

pub mod http;
pub mod logging;
pub mod metrics;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod readiness;
#[cfg(feature = "redis")]
pub mod redis;
pub mod secret;
mod serve;
pub mod settings;
mod shutdown;

pub use http::problem::Problem;
pub use metrics::Metrics;
pub use readiness::Readiness;
pub use secret::Secret;
pub use serve::{ServeError, serve};
pub use settings::{SettingError, Settings};
pub use shutdown::Shutdown;

/// The exit code of a start that was refused because a setting is missing or wrong.
pub const BAD_SETTINGS: u8 = 2;

/// Reads the environment, turns the JSON log on and writes its first line, `starting`.
///
/// On a wrong `LOG_LEVEL` or `DEPLOYMENT_ENVIRONMENT` the refusal is already logged and the exit code is
/// returned.
pub fn begin(service: &'static str, version: &'static str) -> Result<Settings, ExitCode> {
    let settings = Settings::from_env();
    let read = || -> Result<(tracing_subscriber::EnvFilter, String), SettingError> {
        let filter = logging::filter(&settings, service)?;
        let environment = settings.text("DEPLOYMENT_ENVIRONMENT", "development")?;
        Ok((filter, environment))
    };
    match read() {
        Ok((filter, environment)) => {
            logging::start(service, filter);
            tracing::info!(version, deployment_environment = environment, "starting");
            Ok(settings)
        }
        Err(error) => {
            logging::start(service, logging::default_filter());
            Err(refuse(service, &error))
        }
    }
}

/// Says why the service does not start, in the JSON log and in a plain line, both on standard error.
pub fn refuse(service: &'static str, error: &SettingError) -> ExitCode {
    tracing::error!(setting = error.name(), error = %error, "refusing to start: bad setting");
    eprintln!("{service}: refusing to start: {error}");
    ExitCode::from(BAD_SETTINGS)
}

/// Says what stopped the service, with every cause once, and returns exit code 1.
pub fn give_up(error: &dyn std::error::Error) -> ExitCode {
    tracing::error!(error = error_chain(error), "stopped by an error");
    ExitCode::FAILURE
}

/// An error and its causes in one line, each once.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = next.source();
    }
    line
}
