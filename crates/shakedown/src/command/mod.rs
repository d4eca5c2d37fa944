//! The commands, one file each.

pub(crate) mod bench;
pub(crate) mod checks;
pub(crate) mod compare;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod gate;
pub(crate) mod init;
pub(crate) mod load;
pub(crate) mod logs;
pub(crate) mod screenshots;
pub(crate) mod up;

use std::path::{Path, PathBuf};

use harness::{
    definition::{self, Definition},
    engine::EngineError,
    gate::GateError,
    images::ImagesError,
    run::RunId,
    runner::RunnerError,
    verdict::exit,
};
use stack::ReadError;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{DefinitionArgs, ImagesArgs};

/// How people call this command from the repository.
const SHAKEDOWN: &str = "cargo run -q -p shakedown --";
/// The run that `up` starts.
const DEV: &str = "dev";

/// A command that could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
}

impl Failure {
    fn usage(message: impl Into<String>) -> Self {
        Self { code: exit::USAGE, message: message.into() }
    }

    fn not_up(message: impl std::fmt::Display) -> Self {
        Self { code: exit::NOT_UP, message: format!("{message}") }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::usage(error.excerpts())
    }
}

impl From<GateError> for Failure {
    fn from(error: GateError) -> Self {
        Self::not_up(error)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::not_up(error)
    }
}

impl From<ImagesError> for Failure {
    fn from(error: ImagesError) -> Self {
        Self::not_up(error)
    }
}

impl From<RunnerError> for Failure {
    fn from(error: RunnerError) -> Self {
        Self::not_up(error)
    }
}

/// The repository that the command was called in.
fn repository() -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().map_err(|error| Failure::usage(format!("this folder: {error}")))?;
    definition::repository(&here).ok_or_else(|| {
        let looked = "no folder from here upwards has a flake.nix and a compose/compose.yaml";
        Failure::usage(format!("{}: {looked}; call shakedown from your repository", here.display()))
    })
}

impl DefinitionArgs {
    fn definition(&self, repository: &Path) -> Definition {
        let mut files = self.files.clone();
        if files.is_empty() {
            files.push(shortened(&repository.join("compose/compose.yaml")));
        }
        files.extend(self.overlays.clone());
        Definition { files, profiles: self.profiles.clone() }
    }
}

impl ImagesArgs {
    fn folder(&self, repository: &Path) -> PathBuf {
        self.images.clone().unwrap_or_else(|| shortened(&repository.join("result")))
    }
}

/// A path as seen from this folder, where it lies below it.
fn shortened(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).map_or_else(|_| path.to_path_buf(), Path::to_path_buf)
}

/// A run named on the command line, or the one that `up` starts.
fn run_id(named: Option<&str>) -> Result<RunId, Failure> {
    let named = named.unwrap_or(DEV);
    RunId::parse(named).ok_or_else(|| Failure::usage(format!("`{named}` is not the id of a run")))
}

/// Ctrl-C, or what a CI system sends to end a job.
async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
}
