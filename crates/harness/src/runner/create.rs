//! A service of the definition as the container that the engine is asked to create.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, Mount as EngineMount, MountType,
    NetworkingConfig, PortBinding, ResourcesUlimits, RestartPolicy as EngineRestart, RestartPolicyNameEnum,
};
use stack::{Healthcheck, MountSource, RestartPolicy, Service, Stack};

use super::{HostPorts, Plan, port_of, ports_of};
use crate::run::LABEL_SERVICE;

/// Label that testcontainers looks for when it adopts a container.
pub(super) const LABEL_TESTCONTAINERS: (&str, &str) = ("org.testcontainers.managed-by", "testcontainers");
/// Label with the instance's name.
pub(super) const LABEL_INSTANCE: &str = "dev.shakedown.instance";

/// The engine's name of the network that each service joins first, by service.
pub(super) fn first_networks(plan: &Plan, stack: &Stack) -> BTreeMap<String, String> {
    let first = |(name, service): (&String, &Service)| {
        Some((name.clone(), plan.run.id.name_of(service.networks.keys().next()?)))
    };
    stack.services.iter().filter_map(first).collect()
}

/// What the engine is asked to create for one instance. The first network is joined at creation, so that the
/// program never runs anywhere else; the names of further ones are for the caller to connect.
pub(super) fn container(
    plan: &Plan,
    name: &str,
    instance: &str,
    service: &Service,
) -> (ContainerCreateBody, Vec<(String, EndpointSettings)>) {
    let mut networks = service.networks.iter().map(|(network, attachment)| {
        let mut aliases = vec![name.to_owned()];
        aliases.extend(attachment.aliases.iter().cloned());
        let endpoint = EndpointSettings { aliases: Some(aliases), ..Default::default() };
        (plan.run.id.name_of(network), endpoint)
    });
    let first = networks.next();
    let further = networks.collect();

    let ports = host_ports(plan.ports, service);
    let mut labels = plan.run.labels();
    labels.extend(service.labels.clone());
    labels.insert(LABEL_SERVICE.into(), name.into());
    labels.insert(LABEL_INSTANCE.into(), instance.into());
    labels.insert(LABEL_TESTCONTAINERS.0.into(), LABEL_TESTCONTAINERS.1.into());

    let host = HostConfig {
        network_mode: first.as_ref().map(|(network, _)| network.clone()),
        port_bindings: Some(bindings(&ports)),
        mounts: Some(mounts(plan, service)),
        tmpfs: Some(service.tmpfs.iter().map(|t| (t.target.clone(), t.options.clone())).collect()),
        restart_policy: Some(restart(service.restart)),
        readonly_rootfs: Some(service.read_only),
        cap_add: Some(service.cap_add.clone()),
        cap_drop: Some(service.cap_drop.clone()),
        security_opt: Some(service.security_opt.clone()),
        extra_hosts: Some(service.extra_hosts.clone()),
        init: Some(service.init),
        memory: service.memory_limit.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        memory_swap: service.memory_limit.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        shm_size: service.shm_size.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        pids_limit: service.pids_limit,
        nano_cpus: service.cpus.map(nano),
        ulimits: Some(ulimits(service)),
        ..Default::default()
    };
    let body = ContainerCreateBody {
        image: Some(service.image.clone()),
        hostname: service.hostname.clone(),
        user: service.user.clone(),
        working_dir: service.working_dir.clone(),
        entrypoint: service.entrypoint.clone(),
        cmd: service.command.clone(),
        env: Some(service.environment.iter().map(|(key, value)| format!("{key}={value}")).collect()),
        exposed_ports: Some(bindings(&ports).into_keys().collect()),
        labels: Some(labels),
        healthcheck: service.healthcheck.as_ref().map(healthcheck),
        stop_signal: service.stop_signal.clone(),
        stop_timeout: Some(i64::try_from(service.stop_grace_period.as_secs()).unwrap_or(i64::MAX)),
        networking_config: first.map(|(network, endpoint)| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network, endpoint)])),
        }),
        host_config: Some(host),
        ..Default::default()
    };
    (body, further)
}

/// Container ports that appear on the host, each with its binding's host address and port (empty: any).
fn host_ports(ports: HostPorts, service: &Service) -> Vec<(u16, PortBinding)> {
    let loopback = || PortBinding { host_ip: Some("127.0.0.1".into()), host_port: Some(String::new()) };
    let mut bound: Vec<(u16, PortBinding)> = match ports {
        HostPorts::Random => ports_of(service).map(|port| (port, loopback())).collect(),
        HostPorts::AsDefined => service
            .ports
            .iter()
            .map(|port| {
                let host_port = port.host_port.map(|port| port.to_string()).unwrap_or_default();
                let binding = PortBinding { host_ip: port.host_address.clone(), host_port: Some(host_port) };
                (port.container_port, binding)
            })
            .chain(service.ready.iter().map(|ready| (port_of(ready), loopback())))
            .collect(),
    };
    bound.sort_by_key(|(port, _)| *port);
    // A probe needs no door of its own where there is one; two that were defined are both meant.
    bound.dedup_by(|next, first| next.0 == first.0 && (ports == HostPorts::Random || next.1 == loopback()));
    bound
}

pub(super) fn bindings(ports: &[(u16, PortBinding)]) -> HashMap<String, Option<Vec<PortBinding>>> {
    let mut bindings: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for (port, binding) in ports {
        let doors = bindings.entry(format!("{port}/tcp")).or_default();
        doors.get_or_insert_default().push(binding.clone());
    }
    bindings
}

fn mounts(plan: &Plan, service: &Service) -> Vec<EngineMount> {
    let volumes = service.mounts.iter().map(|mount| {
        let (kind, source) = match &mount.source {
            MountSource::Volume(name) => (MountType::VOLUME, plan.run.id.name_of(name)),
            MountSource::Bind(path) => (MountType::BIND, path.display().to_string()),
        };
        (kind, source, mount.target.clone(), mount.read_only)
    });
    let secrets = service.secrets.iter().filter_map(|mount| {
        let placed = plan.secrets.get(&mount.secret)?;
        Some((MountType::BIND, placed.file.display().to_string(), mount.target.clone(), true))
    });
    volumes
        .chain(secrets)
        .map(|(kind, source, target, read_only)| EngineMount {
            typ: Some(kind),
            source: Some(source),
            target: Some(target),
            read_only: Some(read_only),
            ..Default::default()
        })
        .collect()
}

fn restart(policy: RestartPolicy) -> EngineRestart {
    let (name, count) = match policy {
        RestartPolicy::No => (RestartPolicyNameEnum::NO, None),
        RestartPolicy::Always => (RestartPolicyNameEnum::ALWAYS, None),
        RestartPolicy::OnFailure(count) => (RestartPolicyNameEnum::ON_FAILURE, count.map(i64::from)),
        RestartPolicy::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
    };
    EngineRestart { name: Some(name), maximum_retry_count: count }
}

fn healthcheck(check: &Healthcheck) -> HealthConfig {
    let nanos = |d: std::time::Duration| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
    let test = if check.test.is_empty() { vec!["NONE".into()] } else { check.test.clone() };
    HealthConfig {
        test: Some(test),
        interval: check.interval.map(nanos),
        timeout: check.timeout.map(nanos),
        retries: check.retries.map(|count| i64::try_from(count).unwrap_or(i64::MAX)),
        start_period: check.start_period.map(nanos),
        // Engines before API 1.44 refuse it.
        start_interval: None,
    }
}

fn ulimits(service: &Service) -> Vec<ResourcesUlimits> {
    service
        .ulimits
        .iter()
        .map(|(name, (soft, hard))| ResourcesUlimits {
            name: Some(name.clone()),
            soft: Some(*soft),
            hard: Some(*hard),
        })
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a processor count times 10^9 fits, and a fraction is dropped"
)]
fn nano(cpus: f64) -> i64 {
    (cpus * 1e9) as i64
}
