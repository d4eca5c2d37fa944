//! The containers runner: Docker through testcontainers, over container images that are already loaded.
//!
//! The engine is asked to *create* a container here, because testcontainers can give it neither a network alias nor a
//! host address for its ports at that moment; testcontainers then adopts it and starts it (docs/decisions/0002).

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use async_trait::async_trait;
use bollard::{
    Docker,
    container::LogOutput,
    models::{
        ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum as Status,
        Mount as EngineMount, MountType, NetworkConnectRequest, NetworkCreateRequest, VolumeCreateRequest,
    },
    query_parameters::{
        CreateContainerOptionsBuilder, KillContainerOptionsBuilder, ListContainersOptionsBuilder,
        LogsOptionsBuilder, StatsOptionsBuilder, StopContainerOptions, TopOptionsBuilder,
    },
};
use futures::StreamExt;
use stack::Stack;
use testcontainers::{ContainerAsync, GenericImage, ImageExt, ReuseDirective, runners::AsyncRunner};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::sync::Mutex;

use super::{
    CoreLimit, ENGINE_ACT, End, Phase, Plan, Runner, RunnerError, State, Tries, Usage,
    create::{self, LABEL_INSTANCE, LABEL_TESTCONTAINERS},
    instances, service_of,
};
use crate::{
    engine::Engine,
    images::{ContainerImage, Images},
    platform::RunnerKind,
    poll::{self, Attempt},
    reaper::{self, Owned, Volumes},
    run::Run,
};

/// Runs a stack as containers.
pub struct Containers {
    pub(super) docker: Docker,
    pub(super) run: Run,
    /// The image with the tools to look at volumes with.
    pub(super) toolbox: String,
    grace: BTreeMap<String, Duration>,
    images: BTreeMap<String, String>,
    /// The first network of each service, by the engine's name.
    pub(super) networks: BTreeMap<String, String>,
    relays: Mutex<BTreeMap<(String, u16, u8), SocketAddr>>,
    adopted: Mutex<BTreeMap<String, ContainerAsync<GenericImage>>>,
}

impl Containers {
    /// Creates networks, volumes and containers of `stack`, none of them started. What was created when this fails
    /// bears the run's labels and is for the caller to remove.
    pub async fn prepare(
        engine: &Engine,
        images: &Images,
        stack: &Stack,
        plan: &Plan,
    ) -> Result<Self, RunnerError> {
        let toolbox = images.get("toolbox").map(ContainerImage::full_reference).unwrap_or_default();
        let runner = Self {
            docker: engine.docker.clone(),
            run: plan.run.clone(),
            toolbox,
            grace: stack.services.iter().map(|(name, s)| (name.clone(), s.stop_grace_period)).collect(),
            images: stack.services.iter().map(|(name, s)| (name.clone(), s.image.clone())).collect(),
            networks: create::first_networks(plan, stack),
            relays: Mutex::default(),
            adopted: Mutex::default(),
        };
        for name in stack.networks.keys() {
            runner.create_network(name, stack.networks[name].internal).await?;
        }
        for name in stack.volumes.keys() {
            runner.create_volume(name).await?;
        }
        let creations = stack.services.iter().flat_map(|(name, service)| {
            instances(name, service).into_iter().map(move |instance| (name, service, instance))
        });
        let runner_ref = &runner;
        futures::future::try_join_all(creations.map(|(name, service, instance)| async move {
            let (body, further) = create::container(plan, name, &instance, service);
            runner_ref.create_container(&instance, body).await?;
            for (network, endpoint) in further {
                let request = NetworkConnectRequest {
                    container: runner_ref.container_name(&instance),
                    endpoint_config: Some(endpoint),
                };
                let connected = runner_ref.docker.connect_network(&network, request).await;
                connected.map_err(failed(|| format!("connecting `{instance}` to network {network}")))?;
            }
            Ok(())
        }))
        .await?;
        Ok(runner)
    }

    /// The runner of a stack that was brought up earlier and left running, as its containers tell.
    pub fn attach(engine: &Engine, run: Run) -> Self {
        Self {
            docker: engine.docker.clone(),
            run,
            toolbox: String::new(),
            grace: BTreeMap::new(),
            images: BTreeMap::new(),
            networks: BTreeMap::new(),
            relays: Mutex::default(),
            adopted: Mutex::default(),
        }
    }

    /// The instances that an earlier run left running, by its label.
    pub async fn found(&self) -> Result<Vec<String>, RunnerError> {
        let label = format!("{}={}", crate::run::LABEL_RUN, self.run.id);
        let filters = std::collections::HashMap::from([("label", vec![label])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let listed = self.docker.list_containers(Some(options)).await;
        let listed = listed.map_err(failed(|| format!("listing the containers of run {}", self.run.id)))?;
        let mut found: Vec<String> =
            listed.into_iter().filter_map(|container| container.labels?.remove(LABEL_INSTANCE)).collect();
        found.sort();
        Ok(found)
    }

    /// Hands every line of an instance's log to `line`, and further ones as they come, until the instance ends.
    pub async fn follow(
        &self,
        instance: &str,
        tail: Option<usize>,
        mut line: impl FnMut(&str),
    ) -> Result<(), RunnerError> {
        let tail = tail_option(tail);
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).follow(true).tail(&tail).build();
        let mut frames = Box::pin(self.docker.logs(&self.container_name(instance), Some(options)));
        while let Some(frame) = frames.next().await {
            let frame = frame.map_err(failed(|| format!("following the log of `{instance}`")))?;
            String::from_utf8_lossy(&frame.into_bytes()).lines().for_each(&mut line);
        }
        Ok(())
    }

    pub(super) fn container_name(&self, instance: &str) -> String {
        self.run.id.name_of(instance)
    }

    async fn create_network(&self, name: &str, internal: bool) -> Result<(), RunnerError> {
        let network = NetworkCreateRequest {
            name: self.run.id.name_of(name),
            internal: Some(internal),
            labels: Some(self.run.labels()),
            ..Default::default()
        };
        let created = self.docker.create_network(network).await;
        created.map_err(failed(|| format!("creating network `{name}`")))?;
        Ok(())
    }

    pub(super) async fn create_volume(&self, name: &str) -> Result<(), RunnerError> {
        let volume = VolumeCreateRequest {
            name: Some(self.run.id.name_of(name)),
            labels: Some(self.run.labels()),
            ..Default::default()
        };
        self.docker.create_volume(volume).await.map_err(failed(|| format!("creating volume `{name}`")))?;
        Ok(())
    }

    pub(super) async fn create_container(
        &self,
        instance: &str,
        body: ContainerCreateBody,
    ) -> Result<(), RunnerError> {
        let options = CreateContainerOptionsBuilder::new().name(&self.container_name(instance)).build();
        let created = self.docker.create_container(Some(options), body).await;
        created.map_err(failed(|| format!("creating a container for `{instance}`")))?;
        Ok(())
    }

    pub(super) async fn engine_kills(&self, instance: &str) -> Result<(), RunnerError> {
        let options = KillContainerOptionsBuilder::new().signal("KILL").build();
        let killed = self.docker.kill_container(&self.container_name(instance), Some(options)).await;
        killed.map_err(failed(|| format!("killing `{instance}`")))
    }

    pub(super) async fn inspected(&self, instance: &str) -> Result<ContainerInspectResponse, RunnerError> {
        let found = self.docker.inspect_container(&self.container_name(instance), None).await;
        found.map_err(failed(|| format!("inspecting `{instance}`")))
    }
}

#[async_trait]
impl Runner for Containers {
    fn kind(&self) -> RunnerKind {
        RunnerKind::Containers
    }

    async fn start(&self, instance: &str) -> Result<(), RunnerError> {
        let act = || format!("starting `{instance}`");
        let mut adopted = self.adopted.lock().await;
        if let Some(container) = adopted.get(instance) {
            let started = tokio::time::timeout(ENGINE_ACT, container.start()).await;
            return started.map_err(timed_out(act))?.map_err(failed_for(act));
        }
        drop(adopted);
        let image = self.images.get(service_of(instance)).map_or("", String::as_str);
        let (name, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
        let adopt = GenericImage::new(name, tag)
            .with_container_name(self.container_name(instance))
            .with_labels([
                (LABEL_TESTCONTAINERS.0, LABEL_TESTCONTAINERS.1),
                (crate::run::LABEL_RUN, self.run.id.as_str()),
                (LABEL_INSTANCE, instance),
            ])
            .with_reuse(ReuseDirective::Always)
            .with_startup_timeout(ENGINE_ACT);
        let container = adopt.start().await.map_err(failed_for(act))?;
        adopted = self.adopted.lock().await;
        adopted.insert(instance.into(), container);
        Ok(())
    }

    async fn stop(&self, instance: &str) -> Result<(), RunnerError> {
        let act = || format!("stopping `{instance}`");
        // The engine's own default for the container is its stop grace period.
        let name = self.container_name(instance);
        let stop = self.docker.stop_container(&name, None::<StopContainerOptions>);
        let grace = self.grace.get(service_of(instance)).copied().unwrap_or_default();
        let stopped = tokio::time::timeout(grace + ENGINE_ACT, stop).await;
        stopped.map_err(timed_out(act))?.map_err(failed(act))
    }

    async fn kill(&self, instance: &str, end: End) -> Result<(), RunnerError> {
        self.end_by(instance, end).await?;
        let gone = poll::until(ENGINE_ACT, || async {
            match self.state(instance).await {
                Ok(state) if state.phase == Phase::Running => Attempt::NotYet(state.describe()),
                Ok(_) => Attempt::Ready(()),
                Err(error) => Attempt::Never(error.to_string()),
            }
        });
        let act = || format!("waiting for the end of `{instance}`");
        gone.await.map_err(|not| RunnerError { act: act(), found: not.to_string() })
    }

    async fn pause(&self, instance: &str) -> Result<(), RunnerError> {
        let paused = self.docker.pause_container(&self.container_name(instance)).await;
        paused.map_err(failed(|| format!("pausing `{instance}`")))
    }

    async fn unpause(&self, instance: &str) -> Result<(), RunnerError> {
        let unpaused = self.docker.unpause_container(&self.container_name(instance)).await;
        unpaused.map_err(failed(|| format!("unpausing `{instance}`")))
    }

    async fn state(&self, instance: &str) -> Result<State, RunnerError> {
        let found = self.inspected(instance).await?;
        let state = found.state.unwrap_or_default();
        let phase = match state.status {
            Some(Status::RUNNING | Status::PAUSED) => Phase::Running,
            Some(Status::RESTARTING) => Phase::Restarting,
            Some(Status::EXITED | Status::DEAD | Status::REMOVING) => Phase::Exited,
            _ => Phase::Created,
        };
        Ok(State {
            phase,
            exit_code: state.exit_code.filter(|_| phase == Phase::Exited),
            oom_killed: state.oom_killed.unwrap_or(false),
            restarts: u32::try_from(found.restart_count.unwrap_or(0)).unwrap_or(u32::MAX),
            started_at: state.started_at.as_deref().and_then(moment),
            finished_at: state.finished_at.as_deref().and_then(moment),
            health: state.health.and_then(|health| health.status).map(|status| status.to_string()),
            error: state.error.filter(|error| !error.is_empty()),
        })
    }

    async fn endpoint(&self, instance: &str, container_port: u16) -> Result<SocketAddr, RunnerError> {
        let found = self.inspected(instance).await?;
        let ports = found.network_settings.and_then(|network| network.ports).unwrap_or_default();
        let key = format!("{container_port}/tcp");
        let address = ports.get(&key).and_then(Option::as_ref).into_iter().flatten().find_map(|binding| {
            let port = binding.host_port.as_ref()?.parse().ok()?;
            let ip = binding.host_ip.as_deref().unwrap_or("127.0.0.1");
            let ip = if ip == "0.0.0.0" || ip.is_empty() { "127.0.0.1" } else { ip };
            Some(SocketAddr::new(ip.parse().ok()?, port))
        });
        address.ok_or_else(|| RunnerError {
            act: format!("finding container port {container_port} of `{instance}` on the host"),
            found: "it is not published, or the container does not run".into(),
        })
    }

    async fn logs(&self, instance: &str, tail: Option<usize>) -> Result<Vec<u8>, RunnerError> {
        let tail = tail_option(tail);
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(&tail).build();
        let mut frames = Box::pin(self.docker.logs(&self.container_name(instance), Some(options)));
        let mut log = Vec::new();
        while let Some(frame) = frames.next().await {
            match frame.map_err(failed(|| format!("reading the log of `{instance}`")))? {
                LogOutput::StdOut { message }
                | LogOutput::StdErr { message }
                | LogOutput::Console { message } => log.extend_from_slice(&message),
                LogOutput::StdIn { .. } => {}
            }
        }
        Ok(log)
    }

    async fn inspect(&self, instance: &str) -> Result<String, RunnerError> {
        serde_json::to_string(&self.inspected(instance).await?).map_err(|error| RunnerError {
            act: format!("inspecting `{instance}`"),
            found: error.to_string(),
        })
    }

    async fn address_of_harness(&self, instance: &str) -> Result<String, RunnerError> {
        let networks =
            self.inspected(instance).await?.network_settings.and_then(|settings| settings.networks);
        let gateways = networks.into_iter().flatten().filter_map(|(_, network)| network.gateway);
        gateways.into_iter().find(|gateway| !gateway.is_empty()).ok_or_else(|| RunnerError {
            act: format!("finding the host's address on the network of `{instance}`"),
            found: "the engine tells no gateway".into(),
        })
    }

    async fn processes(&self, instance: &str) -> Result<Vec<String>, RunnerError> {
        let options = TopOptionsBuilder::new().ps_args("-eo pid,args -ww").build();
        let top = self.docker.top_processes(&self.container_name(instance), Some(options)).await;
        let top = top.map_err(failed(|| format!("listing the processes of `{instance}`")))?;
        Ok(top.processes.unwrap_or_default().into_iter().map(|fields| fields.join(" ")).collect())
    }

    async fn core_limits(&self, instances: &[String]) -> Result<Vec<Vec<CoreLimit>>, RunnerError> {
        self.core_limits_of(instances).await
    }

    async fn usage(&self, instance: &str) -> Result<Usage, RunnerError> {
        let act = || format!("asking what `{instance}` spends");
        let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let mut stats = Box::pin(self.docker.stats(&self.container_name(instance), Some(options)));
        let nothing = || RunnerError { act: act(), found: "the engine tells nothing; does it run?".into() };
        let stats = stats.next().await.ok_or_else(nothing)?.map_err(failed(act))?;
        let nanoseconds = stats.cpu_stats.and_then(|stats| stats.cpu_usage?.total_usage);
        let memory = stats.memory_stats.ok_or_else(nothing)?;
        // The first name is cgroup v1's, the second that of v2.
        let pages = memory.stats.unwrap_or_default();
        let pages = pages.get("total_inactive_file").or_else(|| pages.get("inactive_file"));
        Ok(Usage {
            processor: Duration::from_nanos(nanoseconds.ok_or_else(nothing)?),
            memory_bytes: memory.usage.ok_or_else(nothing)?.saturating_sub(pages.copied().unwrap_or(0)),
        })
    }

    async fn written(&self, instances: &[String]) -> Result<Vec<Vec<u8>>, RunnerError> {
        let layers = futures::future::try_join_all(instances.iter().map(|instance| self.layer_of(instance)));
        let (layers, memory) = tokio::try_join!(layers, self.memory_of(instances))?;
        Ok(layers.into_iter().zip(memory).map(|(layer, memory)| [layer, memory].concat()).collect())
    }

    async fn toolbox(&self, volume: &str, command: &[&str]) -> Result<Vec<u8>, RunnerError> {
        let exists = self.docker.inspect_volume(&self.run.id.name_of(volume)).await;
        // Mounting it would make it, without a label, and nobody would ever remove it.
        exists.map_err(failed(|| format!("looking for volume `{volume}` of the run")))?;
        let mount = EngineMount {
            typ: Some(MountType::VOLUME),
            source: Some(self.run.id.name_of(volume)),
            target: Some("/volume".into()),
            ..Default::default()
        };
        let what = format!("running `{}` over volume `{volume}`", command.join(" "));
        self.run_to_end(&what, self.toolbox_body(command, vec![mount])).await
    }

    async fn start_control(&self) -> Result<String, RunnerError> {
        let instance = "toolbox-control".to_owned();
        // The last command keeps bash from replacing itself, and its argument with it, by the one before.
        let script = "printf %s \"$MARKER\" | tee /control >/dev/shm/control
            exec bash -c 'sleep infinity; :' \"$MARKER\"";
        let mut body = self.toolbox_body(&["bash", "-c", script], Vec::new());
        body.env = Some(vec![format!("MARKER={}", self.run.marker)]);
        if let Some(host) = &mut body.host_config {
            host.readonly_rootfs = Some(false);
        }
        self.create_container(&instance, body).await?;
        let started = self.docker.start_container(&self.container_name(&instance), None).await;
        started.map_err(failed(|| "starting the control container".into()))?;
        Ok(instance)
    }

    async fn relay(&self, target: &str, container_port: u16, relay: u8) -> Result<SocketAddr, RunnerError> {
        let mut relays = self.relays.lock().await;
        let key = (target.to_owned(), container_port, relay);
        if let Some(address) = relays.get(&key) {
            return Ok(*address);
        }
        let address = self.start_relay(target, container_port, relay).await?;
        relays.insert(key, address);
        Ok(address)
    }

    async fn try_limits(&self, plan: &Plan, stack: &Stack) -> Result<Tries, RunnerError> {
        self.try_all_limits(plan, stack).await
    }

    async fn teardown(&self) -> Result<(), RunnerError> {
        self.adopted.lock().await.clear();
        reaper::sweep(&self.docker, &Owned::by(&self.run.id, &self.run.marker), Volumes::Remove)
            .await
            .map_err(|found| RunnerError { act: format!("removing what run {} owned", self.run.id), found })
    }
}

/// How many lines of a log are wanted, as the engine takes it.
fn tail_option(tail: Option<usize>) -> String {
    tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string())
}

/// A moment as the engine writes it; its zero value means never.
fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok().filter(|moment| moment.year() > 1)
}

pub(super) fn failed(act: impl Fn() -> String) -> impl Fn(bollard::errors::Error) -> RunnerError {
    move |error| {
        let found = match error {
            bollard::errors::Error::DockerResponseServerError { message, .. } => message,
            other => crate::engine::innermost(&other),
        };
        RunnerError { act: act(), found }
    }
}

fn failed_for(act: impl Fn() -> String) -> impl Fn(testcontainers::TestcontainersError) -> RunnerError {
    move |error| RunnerError { act: act(), found: crate::engine::innermost(&error) }
}

fn timed_out(act: impl Fn() -> String) -> impl Fn(tokio::time::error::Elapsed) -> RunnerError {
    move |_| RunnerError { act: act(), found: format!("the engine did not answer within {ENGINE_ACT:?}") }
}
