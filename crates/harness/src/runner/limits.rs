//! Limits that are seen to bite: a container with all that a service's own has, but for its program and its network, that
//! tries what they forbid.

use std::{collections::BTreeMap, time::Duration};

use bollard::{
    models::{ContainerCreateBody, HostConfig, Mount as EngineMount, MountType},
    query_parameters::{RemoveContainerOptionsBuilder, RemoveVolumeOptions, WaitContainerOptions},
};
use futures::StreamExt;
use stack::{Service, Stack};

use super::{Containers, ENGINE_ACT, Plan, Runner, RunnerError, State, containers::failed, create};
use crate::poll::{self, Attempt};

const TRIES: &str = include_str!("tries.sh");
/// The volume of the run with a program that takes on its owner's identity. Memory file systems would not let it.
const VOLUME: &str = "toolbox-tried";
/// Makes that program. Who owns it is nobody else in the container.
const MAKE_PROGRAM: &str = "cp /bin/id /tried/id && chown 65534 /tried/id && chmod 4755 /tried/id";
/// So many containers at once: each takes as much memory as its limit lets it.
const AT_ONCE: usize = 3;
/// Where a limit is above this it is not tried: a machine may have less.
const MOST_BYTES: u64 = 2 << 30;
/// More processes than these are not started.
const MOST_PROCESSES: i64 = 2000;
/// So many processes more than a limit are asked for.
const MORE_PROCESSES: i64 = 8;
/// What is asked for where no limit is declared: bytes, processes.
const WITHOUT_LIMIT: (u64, i64) = (32 << 20, 64);
/// The engine hears of a kill for want of memory after it hears of the end.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// What a container was asked to take, and how that ended.
#[derive(Clone, Debug)]
pub struct TriedIn {
    /// Bytes of memory that it was to take.
    pub bytes: u64,
    /// Processes that it was to start.
    pub processes: i64,
    /// What it said.
    pub output: Vec<u8>,
    /// Its end, as the engine tells it.
    pub end: State,
}

/// What came of it under each service's limits, and under none at all.
pub struct Tries {
    /// Under none.
    pub control: TriedIn,
    /// By service.
    pub services: BTreeMap<String, Result<TriedIn, RunnerError>>,
}

impl Containers {
    pub(super) async fn try_all_limits(&self, plan: &Plan, stack: &Stack) -> Result<Tries, RunnerError> {
        self.create_volume(VOLUME).await?;
        let all = || stack.services.values().map(asked);
        let most = all().fold(WITHOUT_LIMIT, |most, asked| (most.0.max(asked.0), most.1.max(asked.1)));
        let without = HostConfig { network_mode: Some("none".into()), ..HostConfig::default() };
        let control =
            self.try_in("toolbox-unlimited", without, most, &format!("{MAKE_PROGRAM}\n{TRIES}")).await?;
        let prepared: Vec<_> = stack
            .services
            .iter()
            .map(|(name, service)| (name.clone(), limits_of(plan, name, service), asked(service)))
            .collect();
        let trying = prepared.into_iter().map(|(name, host, asked)| async move {
            let tried = self.try_in(&format!("toolbox-limits-{name}"), host, asked, TRIES).await;
            (name, tried)
        });
        let services = futures::stream::iter(trying).buffer_unordered(AT_ONCE).collect().await;
        let removed =
            self.docker.remove_volume(&self.run.id.name_of(VOLUME), None::<RemoveVolumeOptions>).await;
        removed.map_err(failed(|| format!("removing volume `{VOLUME}`")))?;
        Ok(Tries { control, services })
    }

    async fn try_in(
        &self,
        instance: &str,
        host: HostConfig,
        (bytes, processes): (u64, i64),
        script: &str,
    ) -> Result<TriedIn, RunnerError> {
        let program = EngineMount {
            typ: Some(MountType::VOLUME),
            source: Some(self.run.id.name_of(VOLUME)),
            target: Some("/tried".into()),
            ..EngineMount::default()
        };
        let mounts = host.mounts.iter().flatten().cloned().chain([program]).collect();
        let arguments = ["bash", "-c", script, "tries", &processes.to_string(), &bytes.to_string()];
        let body = ContainerCreateBody {
            host_config: Some(HostConfig { mounts: Some(mounts), ..host }),
            ..self.toolbox_body(&arguments, Vec::new())
        };
        let act = || format!("trying limits in `{instance}`");
        self.create_container(instance, body).await?;
        let name = self.container_name(instance);
        self.docker.start_container(&name, None).await.map_err(failed(act))?;
        let mut waiting = Box::pin(self.docker.wait_container(&name, None::<WaitContainerOptions>));
        let ended = tokio::time::timeout(ENGINE_ACT, waiting.next()).await;
        ended.map_err(|_| RunnerError { act: act(), found: format!("no end within {ENGINE_ACT:?}") })?;
        let end = self.end(instance).await?;
        let output = self.logs(instance, None).await?;
        let options = RemoveContainerOptionsBuilder::new().force(true).build();
        self.docker.remove_container(&name, Some(options)).await.map_err(failed(act))?;
        Ok(TriedIn { bytes, processes, output, end })
    }

    /// The state of what has ended, once a kill is told with its reason.
    async fn end(&self, instance: &str) -> Result<State, RunnerError> {
        let told = poll::until(TOLD_WITHIN, || async {
            match self.state(instance).await {
                Ok(state) if state.exit_code == Some(0) || state.oom_killed => Attempt::Ready(state),
                Ok(state) => Attempt::NotYet(state.describe()),
                Err(error) => Attempt::NotYet(error.to_string()),
            }
        });
        match told.await {
            Ok(state) => Ok(state),
            Err(_) => self.state(instance).await,
        }
    }
}

/// All that the engine is told of a service's own container, but for its network and its restarts.
fn limits_of(plan: &Plan, name: &str, service: &Service) -> HostConfig {
    let (made, _) = create::container(plan, name, name, service);
    HostConfig {
        network_mode: Some("none".into()),
        port_bindings: None,
        extra_hosts: None,
        restart_policy: None,
        ..made.host_config.unwrap_or_default()
    }
}

/// Bytes and processes that go beyond a service's limits.
fn asked(service: &Service) -> (u64, i64) {
    let bytes = service.memory_limit.filter(|bytes| (1..=MOST_BYTES).contains(bytes));
    let processes = service.pids_limit.filter(|count| (1..=MOST_PROCESSES).contains(count));
    (bytes.unwrap_or(WITHOUT_LIMIT.0), processes.unwrap_or(WITHOUT_LIMIT.1) + MORE_PROCESSES)
}
