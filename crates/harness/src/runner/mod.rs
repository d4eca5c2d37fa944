//! Runners: what turns a stack into a running stack. Of what runs, only runners ask the engine.

mod bring_up;
mod containers;
mod cores;
mod create;
mod left_running;
mod limits;
mod processes;
mod toolbox;
mod written;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use async_trait::async_trait;
use serde::Serialize;
use stack::{Service, Stack};
use time::OffsetDateTime;

pub use bring_up::{BringUp, ServiceTiming, bring_up, longest_path_ms};
pub(crate) use bring_up::{millis, port_of, ports_of};
pub use containers::Containers;
pub use cores::CoreLimit;
pub use left_running::LeftRunning;
pub use limits::{TriedIn, Tries};
pub use processes::Processes;
pub(crate) use processes::{runs as runs_of_processes, sweep as sweep_processes};
pub(crate) use written::parts;

use crate::{authority::Authority, canary::Canary, platform::RunnerKind, run::Run};

/// What a runner needs to know besides the stack.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The run that will own everything.
    pub run: Run,
    /// What each secret's file holds, by secret.
    pub secrets: BTreeMap<String, PlacedSecret>,
    /// Who vouches for the entrance, where this run has made somebody who does.
    pub authority: Option<Authority>,
    /// Where container ports appear on the host.
    pub ports: HostPorts,
    /// Which services start at once.
    pub pace: Pace,
    /// Where the volumes of a stack of processes are, so that they outlive the run; without it they go with the run.
    pub data: Option<PathBuf>,
}

impl Plan {
    /// The planted values, by secret.
    pub fn canaries(&self) -> BTreeMap<String, Canary> {
        self.secrets
            .iter()
            .filter_map(|(name, placed)| Some((name.clone(), placed.canary.clone()?)))
            .collect()
    }
}

/// Which services start at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Pace {
    /// Each as soon as its dependencies allow.
    #[default]
    Together,
    /// One after another, each alone once all before it are ready: how long each takes by itself.
    OneByOne,
}

/// A secret's value and the file that holds it on the host.
#[derive(Clone, Debug)]
pub struct PlacedSecret {
    /// The value; none where it may be seen by everybody, as a certificate.
    pub canary: Option<Canary>,
    /// The file.
    pub file: PathBuf,
}

/// Where container ports appear on the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPorts {
    /// Every exposed or published container port at a random port of 127.0.0.1, so that runs do not collide.
    Random,
    /// Published ports where the definition says, the exposed ones nowhere but for those a readiness probe needs.
    AsDefined,
}

/// The state of one instance of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    /// Whether it runs.
    pub phase: Phase,
    /// Exit code, once it has exited.
    pub exit_code: Option<i64>,
    /// Killed for want of memory.
    pub oom_killed: bool,
    /// Restarts by the engine.
    pub restarts: u32,
    /// Last start.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// Last end.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// What the engine's own health check says, where there is one.
    pub health: Option<String>,
    /// Why the engine could not start it.
    pub error: Option<String>,
}

/// Whether an instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not started yet.
    Created,
    /// Running, perhaps paused.
    Running,
    /// Being restarted by the engine.
    Restarting,
    /// Ended.
    Exited,
}

impl State {
    /// In words: `running`, `exited with code 1`, `killed for want of memory (exit code 137)`.
    pub fn describe(&self) -> String {
        match (self.phase, self.exit_code) {
            (Phase::Exited, Some(code)) if self.oom_killed => {
                format!("killed for want of memory (exit code {code})")
            }
            (Phase::Exited, Some(code)) => format!("exited with code {code}"),
            (Phase::Exited, None) => "exited".into(),
            (Phase::Created, _) => "created, not started".into(),
            (Phase::Restarting, _) => format!("restarting (restart {})", self.restarts),
            (Phase::Running, _) => "running".into(),
        }
    }
}

/// How an instance ends that is not asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As by a kernel that is short of memory, or a machine that loses power: SIGKILL.
    Killed,
    /// As by a program that finds itself broken: SIGABRT, which leaves a core file where that is allowed.
    Aborted,
}

/// What an instance spends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time of processors since its start, all of them together.
    pub processor: Duration,
    /// Memory in use, without the files' pages that the kernel could drop at once.
    pub memory_bytes: u64,
}

/// An act of a runner that failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{act} failed: {found}")]
pub struct RunnerError {
    /// What was tried, on what: ``starting service `api` ``.
    pub act: String,
    /// What the engine or the system said.
    pub found: String,
}

/// Turns services into running programs. An *instance* is named like its service, `NAME.2` for the second replica.
#[async_trait]
pub trait Runner: Send + Sync {
    /// How it runs a stack.
    fn kind(&self) -> RunnerKind;
    /// Starts a prepared instance, or starts it again.
    async fn start(&self, instance: &str) -> Result<(), RunnerError>;
    /// Stops an instance with its stop signal and grace period.
    async fn stop(&self, instance: &str) -> Result<(), RunnerError>;
    /// Ends an instance at once, without its stop signal, and returns when it is gone. [`Runner::start`] brings it back. So
    /// may its restart policy after [`End::Aborted`], which an engine takes for a crash; not after [`End::Killed`].
    async fn kill(&self, instance: &str, end: End) -> Result<(), RunnerError>;
    /// Freezes an instance: it keeps its connections and answers nothing.
    async fn pause(&self, instance: &str) -> Result<(), RunnerError>;
    /// Undoes [`Runner::pause`].
    async fn unpause(&self, instance: &str) -> Result<(), RunnerError>;
    /// The state of an instance.
    async fn state(&self, instance: &str) -> Result<State, RunnerError>;
    /// Where a container port can be reached from this process. It changes when the instance restarts.
    async fn endpoint(&self, instance: &str, container_port: u16) -> Result<SocketAddr, RunnerError>;
    /// Standard output and error since the instance was created; the last `tail` lines where given.
    async fn logs(&self, instance: &str, tail: Option<usize>) -> Result<Vec<u8>, RunnerError>;
    /// All that the engine tells about an instance, as JSON.
    async fn inspect(&self, instance: &str) -> Result<String, RunnerError>;
    /// The address that this process has in the eyes of an instance.
    async fn address_of_harness(&self, instance: &str) -> Result<String, RunnerError>;
    /// The arguments of every process of an instance.
    async fn processes(&self, instance: &str) -> Result<Vec<String>, RunnerError>;
    /// The limits on core files that are in force for every process of each of these instances, as the kernel tells them. Of
    /// an instance that does not run, none.
    async fn core_limits(&self, instances: &[String]) -> Result<Vec<Vec<CoreLimit>>, RunnerError>;
    /// What an instance has spent and holds right now.
    async fn usage(&self, instance: &str) -> Result<Usage, RunnerError>;
    /// All that each of these instances has written and that is still there, beside volumes: the writable layer of its root
    /// and, while it runs, its memory file systems. For each, tar archives, one after the other.
    async fn written(&self, instances: &[String]) -> Result<Vec<Vec<u8>>, RunnerError>;
    /// Runs a program of the toolbox over a volume of the stack, mounted at `/volume`, as user 0 with no
    /// more capabilities than files of other users need. Returns its output, byte for byte; a non-zero exit code is an error.
    async fn toolbox(&self, volume: &str, command: &[&str]) -> Result<Vec<u8>, RunnerError>;
    /// Starts a program that does nothing. It has written the run's control marker wherever it may before it shows it in its
    /// arguments, and returns its instance name: what reads processes and what they have written must see it.
    async fn start_control(&self) -> Result<String, RunnerError>;
    /// Starts, once, the relay that is called `relay` in the stack's network, and returns its address here: what
    /// connects to it reaches `container_port` of the service `target` from an address that nobody else has there.
    async fn relay(&self, target: &str, container_port: u16, relay: u8) -> Result<SocketAddr, RunnerError>;
    /// Tries, in a container each, what the limits of the services of `stack` forbid, and the same under none at all.
    async fn try_limits(&self, plan: &Plan, stack: &Stack) -> Result<Tries, RunnerError>;
    /// Removes everything the run owns. Nothing of it is left when this returns `Ok`.
    async fn teardown(&self) -> Result<(), RunnerError>;
}

/// The instances of a service, first to last.
pub fn instances(name: &str, service: &Service) -> Vec<String> {
    (1..=service.replicas)
        .map(|index| if index == 1 { name.to_owned() } else { format!("{name}.{index}") })
        .collect()
}

/// The service that an instance belongs to.
pub fn service_of(instance: &str) -> &str {
    match instance.rsplit_once('.') {
        Some((service, index)) if index.parse::<u16>().is_ok() => service,
        _ => instance,
    }
}

/// Every instance of a stack, in the order of the definition.
pub fn all_instances(stack: &Stack) -> Vec<String> {
    stack.services.iter().flat_map(|(name, service)| instances(name, service)).collect()
}

/// Does all of these at once, each to its end whatever becomes of the others, and tells of the first that failed.
pub(crate) async fn all_of<E>(
    acts: impl IntoIterator<Item = impl Future<Output = Result<(), E>>>,
) -> Result<(), E> {
    futures::future::join_all(acts).await.into_iter().collect()
}

/// The last lines of a log, or all of it.
fn last_lines(log: &[u8], tail: Option<usize>) -> Vec<u8> {
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    let skipped = tail.map_or(0, |tail| lines.len().saturating_sub(tail));
    lines[skipped..].concat()
}

/// How long an act of the engine may take: long enough that passing it means a fault, not a slow machine.
pub(crate) const ENGINE_ACT: Duration = Duration::from_mins(1);
