//! The stack as plain data: what a Compose file and its overlays say, resolved, with nothing left to interpret.

mod milliseconds;
mod options;
mod service;

pub use options::{Entrance, EntranceTls, Readiness, StackOptions};
pub use service::{
    Condition, Dependency, Healthcheck, Kind, Mount, MountSource, NetworkAttachment, PublishedPort,
    RestartPolicy, SecretMount, Service, Tmpfs,
};

use std::{collections::BTreeMap, fmt, path::PathBuf};

use indexmap::IndexMap;
use serde::Serialize;

/// Where something stands in a file the reader read. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The file as it was named on the command line, or as it was reached from there.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Services and their dependencies, as data. Not started, and with no way to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stack {
    /// The files it was read from, as they were named: the base, then overlays.
    #[serde(skip)]
    pub files: Vec<PathBuf>,
    /// The project's name (Compose `name:`), lower case.
    pub name: String,
    /// Services by name, in the order of the definition, only those of enabled profiles.
    pub services: IndexMap<String, Service>,
    /// Named volumes.
    pub volumes: BTreeMap<String, Volume>,
    /// Networks.
    pub networks: BTreeMap<String, Network>,
    /// Secrets by name.
    pub secrets: BTreeMap<String, Secret>,
    /// The stack's own `x-shakedown` keys.
    pub options: StackOptions,
    /// What Compose would warn about and carry on with, such as a variable that is not set.
    pub warnings: Vec<Warning>,
}

/// Something that is allowed and looks like a mistake. Never holds the value of a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Where it stands.
    pub at: Location,
    /// What it is, in one line.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// A named volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Default)]
pub struct Volume {
    /// Not ours to create or remove.
    pub external: bool,
    /// A name of its own instead of `PROJECT_NAME`.
    pub name: Option<String>,
}

/// A network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Default)]
pub struct Network {
    /// No way out (and, in Docker, nothing published).
    pub internal: bool,
    /// Not ours to create or remove.
    pub external: bool,
    /// A name of its own instead of `PROJECT_NAME`.
    pub name: Option<String>,
}

/// A secret, by where its value comes from. Never its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// Where it stands.
    pub at: Location,
    /// What holds the value.
    pub source: SecretSource,
}

/// What holds a secret's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// A file of the host, absolute.
    File(PathBuf),
    /// An environment variable of the person who starts the stack.
    Environment(String),
}
