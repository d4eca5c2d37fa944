//! One service of a stack, as data.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::Serialize;

use super::{Location, Readiness, milliseconds};

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
    #[serde(rename = "stop_grace_period_ms", serialize_with = "milliseconds::write")]
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
    #[serde(rename = "interval_ms", serialize_with = "milliseconds::write_maybe")]
    pub interval: Option<Duration>,
    /// For one attempt.
    #[serde(rename = "timeout_ms", serialize_with = "milliseconds::write_maybe")]
    pub timeout: Option<Duration>,
    /// Failures in a row before it is unhealthy.
    pub retries: Option<u64>,
    /// In which failures do not count.
    #[serde(rename = "start_period_ms", serialize_with = "milliseconds::write_maybe")]
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
