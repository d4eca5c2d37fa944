//! The web service: pages for people. The browser talks to it alone, and it talks to the api.

mod api;
mod config;
mod cookie;
mod csrf;
mod destination;
mod error;
mod form;
mod headers;
mod notice;
mod routes;
mod session;
mod state;
mod upload;
mod visitor;

use std::process::ExitCode;

use service::{Metrics, Shutdown};

use config::WebConfig;
use state::WebState;

const SERVICE: &str = "web";

fn main() -> ExitCode {
    match service::begin(SERVICE, env!("CARGO_PKG_VERSION"), WebConfig::read) {
        Ok(config) => run(config),
        Err(refused) => refused,
    }
}

fn run(config: WebConfig) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return service::give_up(&error),
    };
    match runtime.block_on(serve(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => service::give_up(error.as_ref()),
    }
}

async fn serve(config: WebConfig) -> Result<(), Box<dyn std::error::Error>> {
    let shutdown = Shutdown::on_signals()?;
    let metrics = Metrics::new();
    metrics.tell_build(&[("version", env!("CARGO_PKG_VERSION").to_owned())]);
    let (listen, grace) = (config.listen, config.grace);
    let router = routes::router(&WebState::new(config)?, &metrics);
    Ok(service::serve(listen, router, shutdown, grace).await?)
}
