//! What every service does alike: settings, logs, health, readiness, metrics, draining.
//!
//! A service's `main` reads: [`begin`] (logs on, its config read from [`Settings`]), its router inside
//! [`http::wrap`], then [`serve`] until [`Shutdown`] is requested.

use std::process::ExitCode;

pub mod http;
#[cfg(feature = "image-store")]
pub mod image_store;
pub mod logging;
pub mod metrics;
mod origin;
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
pub use origin::Origin;
pub use readiness::Readiness;
pub use secret::Secret;
pub use serve::{ServeError, serve};
pub use settings::{SettingError, Settings};
pub use shutdown::Shutdown;

/// The exit code of a start that was refused because a setting is missing or wrong.
pub const BAD_SETTINGS: u8 = 2;

/// Turns the JSON log on, reads the service's config from the environment, and writes the log's first line,
/// `starting`. Its field `settings` holds the names, and only these, of all settings that were asked for,
/// sorted and with commas between them: what this program can be told.
///
/// On a setting that is missing or wrong the refusal is already logged and the exit code is returned.
pub fn begin<C>(
    service: &'static str,
    version: &'static str,
    read: impl FnOnce(&Settings) -> Result<C, SettingError>,
) -> Result<C, ExitCode> {
    let settings = Settings::from_env();
    match logging::filter(&settings, service) {
        Ok(filter) => logging::start(service, filter),
        Err(error) => {
            logging::start(service, logging::default_filter());
            return Err(refuse(service, &error));
        }
    }
    let read_all = || Ok((settings.text("DEPLOYMENT_ENVIRONMENT", "development")?, read(&settings)?));
    let (deployment_environment, config) = read_all().map_err(|error| refuse(service, &error))?;
    let settings = settings.names_asked().join(",");
    tracing::info!(version, deployment_environment, settings, "starting");
    Ok(config)
}

/// Says why the service does not start, in the JSON log and in a plain line, both on standard error.
fn refuse(service: &'static str, error: &SettingError) -> ExitCode {
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
