//! What a stack runs on: a container engine, or this machine alone.

use serde::Serialize;

use crate::{
    engine::{Engine, EngineError},
    event::{Event, Events},
};

/// How a stack is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerKind {
    /// As containers of an engine.
    #[default]
    Containers,
    /// As processes of this machine.
    Processes,
}

impl RunnerKind {
    /// As `--runner` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Containers => "containers",
            Self::Processes => "processes",
        }
    }
}

/// What a stack runs on.
#[derive(Clone, Debug)]
pub enum Platform {
    /// A container engine.
    Engine(Engine),
    /// This machine.
    Machine,
}

impl Platform {
    /// The one for the runner that is wanted; where none is, an engine if one answers. Says which it took where nobody
    /// insisted.
    pub async fn find(wanted: Option<RunnerKind>, events: &Events) -> Result<Self, EngineError> {
        match wanted {
            Some(RunnerKind::Containers) => Ok(Self::Engine(Engine::connect().await?)),
            Some(RunnerKind::Processes) => Ok(Self::Machine),
            None => Ok(match Engine::connect().await {
                Ok(engine) => Self::Engine(engine),
                Err(error) => {
                    events.send(Event::Note(format!(
                        "running as processes, without what only containers can show: {error}"
                    )));
                    Self::Machine
                }
            }),
        }
    }

    /// How a stack is run on it.
    pub fn runner(&self) -> RunnerKind {
        match self {
            Self::Engine(_) => RunnerKind::Containers,
            Self::Machine => RunnerKind::Processes,
        }
    }

    /// The architecture of the programs that it runs, as images name it.
    pub fn architecture(&self) -> &str {
        match self {
            Self::Engine(engine) => &engine.architecture,
            // The names of Go, where images have them from.
            Self::Machine => match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                other => other,
            },
        }
    }

    /// Why it does not run what is built for another architecture.
    pub(crate) fn refusal(&self, built: &str) -> String {
        let what = if matches!(self, Self::Engine(_)) { "the engine" } else { "this machine" };
        format!("it is built for {built}, and {what} runs {}", self.architecture())
    }

    /// The engine's version, where there is one.
    pub fn engine_version(&self) -> Option<&str> {
        match self {
            Self::Engine(engine) => Some(&engine.version),
            Self::Machine => None,
        }
    }
}
