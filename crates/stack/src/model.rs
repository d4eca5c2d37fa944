//! The stack as plain data: what a Compose file and its overlays say, resolved, with nothing left to interpret.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

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

/// How a service's end state looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Runs until it is stopped.
    #[default]
    Daemon,
    /// Runs once; exit code 0 is success.
    Oneshot,
}

/// One program of the stack.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Service {
    /// Where the service's key stands.
    pub at: Location,
    /// The container image's reference, interpolated.
    pub image: String,
    /// Where `image:` stands.
    pub image_at: Location,
    /// `never` for us; what else the file said otherwise.
    pub pull_policy: Option<String>,
    /// Daemon or oneshot (`x-shakedown: kind`).
    pub kind: Kind,
    /// Replaces the container image's entrypoint.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the container image's command.
    pub command: Option<Vec<String>>,
    /// Environment variables, sorted by name.
    pub environment: BTreeMap<String, String>,
    /// `uid[:gid]`, where it overrides the container image's.
    pub user: Option<String>,
    /// Working directory in the container.
    pub working_dir: Option<String>,
    /// Host name in the container.
    pub hostname: Option<String>,
    /// Container ports that other services may reach.
    pub expose: Vec<u16>,
    /// Container ports published on the host.
    pub ports: Vec<PublishedPort>,
    /// Volumes and bind mounts.
    pub mounts: Vec<Mount>,
    /// Memory file systems: container path to size in bytes and mode, where given.
    pub tmpfs: Vec<Tmpfs>,
    /// Secrets mounted as files.
    pub secrets: Vec<SecretMount>,
    /// What must have happened before this service starts.
    pub depends_on: BTreeMap<String, Dependency>,
    /// The container engine's health check.
    pub healthcheck: Option<Healthcheck>,
    /// Restart policy.
    pub restart: RestartPolicy,
    /// How many of it run (`deploy: replicas` or `scale`), 1 if unsaid.
    pub replicas: u16,
    /// Root file system is read-only.
    pub read_only: bool,
    /// Capabilities taken away.
    pub cap_drop: Vec<String>,
    /// Capabilities given.
    pub cap_add: Vec<String>,
    /// Security options such as `no-new-privileges:true`.
    pub security_opt: Vec<String>,
    /// An init process reaps children.
    pub init: bool,
    /// Memory limit in bytes.
    pub memory_limit: Option<u64>,
    /// Size of `/dev/shm` in bytes.
    pub shm_size: Option<u64>,
    /// Most processes and threads.
    pub pids_limit: Option<i64>,
    /// Processor limit in processors.
    pub cpus: Option<f64>,
    /// How long after the stop signal before it is killed (10 s if unsaid, as in Compose).
    #[serde(rename = "stop_grace_period_ms", serialize_with = "milliseconds")]
    pub stop_grace_period: Duration,
    /// The stop signal, where it overrides the container image's.
    pub stop_signal: Option<String>,
    /// Networks by name.
    pub networks: BTreeMap<String, NetworkAttachment>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Profiles that enable it; empty: always enabled.
    pub profiles: Vec<String>,
    /// `nofile` and the like: name to (soft, hard).
    pub ulimits: BTreeMap<String, (i64, i64)>,
    /// Extra host names to addresses.
    pub extra_hosts: Vec<String>,
    /// How to find out that it may be sent work (`x-shakedown: ready`).
    pub ready: Option<Readiness>,
    /// Restarts allowed between start and teardown (`x-shakedown: restarts`), 0 if unsaid.
    pub restart_budget: u32,
}

/// A container port published on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublishedPort {
    /// Where it stands.
    pub at: Location,
    /// Host address, 0.0.0.0 if unsaid.
    pub host_address: Option<String>,
    /// Host port; none lets the engine choose.
    pub host_port: Option<u16>,
    /// Container port.
    pub container_port: u16,
}

/// A volume or a bind mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// What is mounted.
    pub source: MountSource,
    /// Path in the container.
    pub target: String,
    /// May not be written through.
    pub read_only: bool,
}

/// What a mount shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MountSource {
    /// A named volume of the stack.
    Volume(String),
    /// A file or folder of the host, absolute (relative paths count from the folder of the first file, as in Compose).
    Bind(PathBuf),
}

/// A memory file system in the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tmpfs {
    /// Path in the container.
    pub target: String,
    /// Mount options as Docker takes them, such as `size=16m,mode=1777,uid=10001`; may be empty.
    pub options: String,
}

/// A secret seen by a service as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretMount {
    /// The secret's name in the stack.
    pub secret: String,
    /// Path in the container, `/run/secrets/NAME` if unsaid.
    pub target: String,
}

/// A dependency and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dependency {
    /// Where it stands.
    pub at: Location,
    /// What must have happened.
    pub condition: Condition,
    /// Whether a missing (profile not enabled) service is an error.
    pub required: bool,
}

/// What must have happened to a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Its container was started.
    ServiceStarted,
    /// It is ready.
    ServiceHealthy,
    /// It exited with code 0.
    ServiceCompletedSuccessfully,
}

/// The container engine's health check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Healthcheck {
    /// Where it stands.
    pub at: Location,
    /// `["CMD", …]` or `["CMD-SHELL", "…"]`; empty when `disable: true` or `["NONE"]`.
    pub test: Vec<String>,
    /// Between attempts.
    #[serde(rename = "interval_ms", serialize_with = "maybe_milliseconds")]
    pub interval: Option<Duration>,
    /// For one attempt.
    #[serde(rename = "timeout_ms", serialize_with = "maybe_milliseconds")]
    pub timeout: Option<Duration>,
    /// Failures in a row before it is unhealthy.
    pub retries: Option<u64>,
    /// In which failures do not count.
    #[serde(rename = "start_period_ms", serialize_with = "maybe_milliseconds")]
    pub start_period: Option<Duration>,
}

/// Restart policy of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum RestartPolicy {
    /// Never.
    #[default]
    No,
    /// Whatever the exit code.
    Always,
    /// When the exit code is not 0, at most this often (none: without bound).
    OnFailure(Option<u32>),
    /// Always, except after a stop.
    UnlessStopped,
}

/// How a service sits on a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Default)]
pub struct NetworkAttachment {
    /// Names it answers to besides its own.
    pub aliases: Vec<String>,
}

/// A named volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Default)]
pub struct Volume {
    /// Not ours to create or remove.
    pub external: bool,
    /// A name of its own instead of PROJECT_NAME.
    pub name: Option<String>,
}

/// A network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Default)]
pub struct Network {
    /// No way out (and, in Docker, nothing published).
    pub internal: bool,
    /// Not ours to create or remove.
    pub external: bool,
    /// A name of its own instead of PROJECT_NAME.
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

/// The typed readiness probe of a service. It does real work; a port that is open proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// An HTTP GET with an exact status.
    Http {
        /// Container port.
        port: u16,
        /// Path, beginning with `/`.
        path: String,
        /// Status expected, 200 if unsaid.
        status: u16,
        /// Text that the body must hold, where given.
        body: Option<String>,
    },
    /// `SELECT` as a role of the application.
    Postgres {
        /// Container port.
        port: u16,
        /// Role.
        user: String,
        /// Database.
        database: String,
        /// The Compose secret that holds the role's password.
        password_secret: String,
        /// The query, `SELECT 1` if unsaid.
        query: String,
    },
    /// A write and a read back.
    Redis {
        /// Container port.
        port: u16,
        /// The Compose secret that holds the password, where there is one.
        password_secret: Option<String>,
    },
}

/// The stack's own `x-shakedown` keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StackOptions {
    /// Environment variables planted besides every Compose secret: `SERVICE.VARIABLE`.
    pub planted_environment: Vec<String>,
    /// Time to live that the gate asks for when it tests expiry.
    #[serde(rename = "ttl_ms", serialize_with = "milliseconds")]
    pub ttl: Duration,
    /// How long after its expiry an output's row and object may still be there.
    #[serde(rename = "ttl_grace_ms", serialize_with = "milliseconds")]
    pub ttl_grace: Duration,
    /// How long every daemon must stay healthy.
    #[serde(rename = "settle_ms", serialize_with = "milliseconds")]
    pub settle: Duration,
    /// How long the whole stack may take until it is ready.
    #[serde(rename = "ready_within_ms", serialize_with = "milliseconds")]
    pub ready_within: Duration,
    /// The service where people come in, and its container port.
    pub entrance: Option<Entrance>,
}

/// Where people come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entrance {
    /// Service.
    pub service: String,
    /// Container port.
    pub port: u16,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            planted_environment: Vec::new(),
            ttl: Duration::from_secs(3),
            ttl_grace: Duration::from_secs(5),
            settle: Duration::from_secs(3),
            ready_within: Duration::from_secs(60),
            entrance: None,
        }
    }
}

/// Units are in the names of what is written out.
fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    maybe_milliseconds(&Some(*duration), serializer)
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn maybe_milliseconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration
        .map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
        .serialize(serializer)
}
