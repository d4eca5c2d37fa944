//! The JSON API: accounts, sessions, uploads, jobs, images; and the migration.

mod config;
mod email;
mod error;
mod extract;
mod link;
mod migrate;
mod password;
mod picture;
mod routes;
mod session;
mod state;
mod upload;

use std::process::ExitCode;

use service::{Metrics, SettingError, Settings, Shutdown};

use config::{ApiConfig, MigrateConfig};
use state::ApiState;

const SERVICE: &str = "api";

fn main() -> ExitCode {
    let verb = std::env::args().nth(1);
    let settings = match verb.as_deref() {
        None | Some("serve" | "migrate") => match service::begin(SERVICE, env!("CARGO_PKG_VERSION")) {
            Ok(settings) => settings,
            Err(refused) => return refused,
        },
        Some(_) => {
            eprintln!("usage: api [serve|migrate]; everything else is a setting in the environment");
            return ExitCode::from(service::BAD_SETTINGS);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return service::give_up(&error),
    };
    let ended = if verb.as_deref() == Some("migrate") {
        runtime.block_on(run_migration(&settings))
    } else {
        runtime.block_on(run_server(&settings))
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended::Setting(error)) => service::refuse(SERVICE, &error),
        Err(Ended::Other(error)) => service::give_up(error.as_ref()),
    }
}

async fn run_server(settings: &Settings) -> Result<(), Ended> {
    let config = ApiConfig::read(settings)?;
    let shutdown = Shutdown::on_signals().map_err(Ended::other)?;
    let metrics = Metrics::new();
    metrics.tell_build(&[
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("schema_version", migrate::newest_version().to_string()),
    ]);
    let state = ApiState::connect(&config).map_err(Ended::other)?;
    let router = routes::router(state, &metrics);
    service::serve(config.listen, router, shutdown, config.grace).await.map_err(Ended::other)
}

async fn run_migration(settings: &Settings) -> Result<(), Ended> {
    let config = MigrateConfig::read(settings)?;
    let schema_version = migrate::migrate(&config).await.map_err(Ended::other)?;
    tracing::info!(schema_version, "migrated");
    Ok(())
}

/// Why the program ends early: a setting (exit code 2), or anything else (1).
enum Ended {
    Setting(SettingError),
    Other(Box<dyn std::error::Error>),
}

impl Ended {
    fn other(error: impl std::error::Error + 'static) -> Self {
        Self::Other(Box::new(error))
    }
}

impl From<SettingError> for Ended {
    fn from(error: SettingError) -> Self {
        Self::Setting(error)
    }
}
