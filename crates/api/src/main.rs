//! The JSON API: accounts, sessions, uploads, jobs, images; and the migration.

mod config;
mod cors;
mod email;
mod error;
mod extract;
mod limit;
mod link;
mod migrate;
mod password;
mod picture;
mod routes;
mod session;
mod state;
#[cfg(test)]
mod test_redis;
mod upload;

use std::process::ExitCode;

use service::{Metrics, Shutdown};

use config::{ApiConfig, MigrateConfig};
use state::ApiState;

const SERVICE: &str = "api";

fn main() -> ExitCode {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    match std::env::args().nth(1).as_deref() {
        None | Some("serve") => match service::begin(SERVICE, VERSION, ApiConfig::read) {
            Ok(config) => run(serve(config)),
            Err(refused) => refused,
        },
        Some("migrate") => match service::begin(SERVICE, VERSION, MigrateConfig::read) {
            Ok(config) => run(bring_schema_up_to_date(config)),
            Err(refused) => refused,
        },
        Some(_) => {
            eprintln!("usage: api [serve|migrate]; everything else is a setting in the environment");
            ExitCode::from(service::BAD_SETTINGS)
        }
    }
}

/// What ends the program early, in whatever words the library has for it.
type AnyError = Box<dyn std::error::Error>;

fn run(work: impl Future<Output = Result<(), AnyError>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return service::give_up(&error),
    };
    match runtime.block_on(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => service::give_up(error.as_ref()),
    }
}

async fn serve(config: ApiConfig) -> Result<(), AnyError> {
    let shutdown = Shutdown::on_signals()?;
    tracing::info!(keys = config.link.signing_keys.count(), "links are signed; the first key signs");
    let metrics = Metrics::new();
    metrics.tell_build(&[
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("schema_version", migrate::newest_version().to_string()),
    ]);
    let router = routes::router(ApiState::connect(&config)?, &metrics);
    Ok(service::serve(config.listen, router, shutdown, config.grace).await?)
}

async fn bring_schema_up_to_date(config: MigrateConfig) -> Result<(), AnyError> {
    let schema_version = migrate::migrate(&config).await?;
    tracing::info!(schema_version, "migrated");
    Ok(())
}
