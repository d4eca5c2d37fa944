//! `shakedown`: the gate before merge. Parses what was asked for, runs it, and ends with an exit code that means
//! something.

mod args;
mod command;
mod machine_authority;
mod progress;

use std::process::ExitCode;

use clap::Parser;
use harness::verdict::exit;

use args::{Args, Command};

/// The whole command: arguments from the environment, exit code back. A library, so that a test program can be it.
pub fn main() -> ExitCode {
    // The same program, started once more by a run, is that run's reaper.
    if let Some(code) = harness::reaper::serve_if_asked() {
        return code;
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::PASS });
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            progress::complain(&format!("the runtime could not start: {error}"));
            return ExitCode::from(exit::NOT_UP);
        }
    };
    let code = runtime.block_on(run(args));
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn run(args: Args) -> u8 {
    let done = match args.command {
        Command::Gate(gate) => Box::pin(command::gate::run(gate)).await,
        Command::Up(up) => command::up::run(up).await,
        Command::Down(down) => command::down::run(down).await,
        Command::Logs(logs) => command::logs::run(logs).await,
        Command::Config(config) => command::config::run(&config),
        Command::Checks(checks) => command::checks::run(&checks),
        Command::Init(init) => command::init::run(&init),
        Command::Doctor(doctor) => command::doctor::run(&doctor).await,
        Command::Bench(bench) => Box::pin(command::bench::run(bench)).await,
        Command::Screenshots(screenshots) => command::screenshots::run(screenshots).await,
        Command::Compare(folders) => command::compare::run(folders).await,
        Command::Load(load) => command::load::run(load).await,
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            progress::complain(&failure.message);
            failure.code
        }
    }
}
