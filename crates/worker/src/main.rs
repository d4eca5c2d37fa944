//! The worker's program: settings, then work until it is told to stop.

use std::process::ExitCode;
use std::time::Duration;

use service::Shutdown;
use worker::{Config, Worker};

const SERVICE: &str = "worker";

fn main() -> ExitCode {
    let config = match service::begin(SERVICE, env!("CARGO_PKG_VERSION"), Config::read) {
        Ok(config) => config,
        Err(refused) => return refused,
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return service::give_up(&error),
    };
    let ended = runtime.block_on(async {
        let shutdown = Shutdown::on_signals()?;
        Worker::new(config)?.run(shutdown).await?;
        Ok::<_, Box<dyn std::error::Error>>(())
    });
    // A picture that is still being drawn must not hold the process beyond its grace period.
    runtime.shutdown_timeout(Duration::ZERO);
    match ended {
        Ok(()) => {
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        Err(error) => service::give_up(&*error),
    }
}
