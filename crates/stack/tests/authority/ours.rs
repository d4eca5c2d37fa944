//! Our side, in the form that both sides are compared in.

use serde_json::{Map, Value, json};
use stack::{Condition, MountSource, RestartPolicy, SecretSource, Service, Stack};

/// The stack, reduced to what is compared.
pub(crate) fn shown(stack: &Stack) -> Value {
    let volumes = stack.volumes.iter().map(|(name, volume)| {
        (name.clone(), json!({ "name": volume.name, "external": volume.external, "internal": false }))
    });
    let networks = stack.networks.iter().map(|(name, network)| {
        let shown =
            json!({ "name": network.name, "external": network.external, "internal": network.internal });
        (name.clone(), shown)
    });
    let secrets = stack.secrets.iter().map(|(name, secret)| {
        let shown = match &secret.source {
            SecretSource::File(path) => json!({ "file": path, "environment": null }),
            SecretSource::Environment(variable) => json!({ "file": null, "environment": variable }),
        };
        (name.clone(), shown)
    });
    let services = stack.services.iter().map(|(name, shown)| (name.clone(), service(shown)));
    json!({
        "name": stack.name,
        "services": services.collect::<Map<_, _>>(),
        "volumes": volumes.collect::<Map<_, _>>(),
        "networks": networks.collect::<Map<_, _>>(),
        "secrets": secrets.collect::<Map<_, _>>(),
    })
}

fn service(service: &Service) -> Value {
    let mounts = service.mounts.iter().map(|mount| match &mount.source {
        MountSource::Volume(name) => json!(["volume", name, mount.target, mount.read_only]),
        MountSource::Bind(path) => json!(["bind", path, mount.target, mount.read_only]),
    });
    let ports = service.ports.iter().map(|port| {
        let published = port.host_port.map(|port| port.to_string());
        json!([port.host_address, published, port.container_port.to_string()])
    });
    let tmpfs = service.tmpfs.iter().map(|tmpfs| match tmpfs.options.as_str() {
        "" => tmpfs.target.clone(),
        options => format!("{}:{options}", tmpfs.target),
    });
    let depends_on = service.depends_on.iter().map(|(name, dependency)| {
        let condition = match dependency.condition {
            Condition::ServiceStarted => "service_started",
            Condition::ServiceHealthy => "service_healthy",
            Condition::ServiceCompletedSuccessfully => "service_completed_successfully",
        };
        (name.clone(), json!([condition, dependency.required]))
    });
    let milliseconds = |duration: Option<std::time::Duration>| duration.map(|d| d.as_secs_f64() * 1_000.0);
    let healthcheck = service.healthcheck.as_ref().map(|check| {
        json!({
            "test": check.test,
            "interval": milliseconds(check.interval),
            "timeout": milliseconds(check.timeout),
            "start_period": milliseconds(check.start_period),
            "retries": check.retries,
        })
    });
    let restart = match service.restart {
        RestartPolicy::No => "no".to_owned(),
        RestartPolicy::Always => "always".to_owned(),
        RestartPolicy::UnlessStopped => "unless-stopped".to_owned(),
        RestartPolicy::OnFailure(None) => "on-failure".to_owned(),
        RestartPolicy::OnFailure(Some(most)) => format!("on-failure:{most}"),
    };
    let text = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let networks = service.networks.iter().map(|(name, network)| (name.clone(), json!(network.aliases)));
    json!({
        "image": service.image,
        "pull_policy": service.pull_policy,
        "entrypoint": service.entrypoint,
        "command": service.command,
        "environment": service.environment,
        "labels": service.labels,
        "user": service.user,
        "working_dir": service.working_dir,
        "hostname": service.hostname,
        "expose": service.expose.iter().map(u16::to_string).collect::<Vec<_>>(),
        "ports": ports.collect::<Vec<_>>(),
        "mounts": mounts.collect::<Vec<_>>(),
        "tmpfs": tmpfs.collect::<Vec<_>>(),
        "secrets": service.secrets.iter().map(|mount| json!([mount.secret, mount.target])).collect::<Vec<_>>(),
        "depends_on": depends_on.collect::<Map<_, _>>(),
        "healthcheck": healthcheck,
        "restart": restart,
        "replicas": service.replicas,
        "read_only": service.read_only,
        "init": service.init,
        "cap_add": service.cap_add,
        "cap_drop": service.cap_drop,
        "security_opt": service.security_opt,
        "memory": text(service.memory_limit),
        "shm_size": text(service.shm_size),
        "pids": service.pids_limit,
        "cpus": service.cpus,
        "stop_grace_period": milliseconds(Some(service.stop_grace_period)),
        "stop_signal": service.stop_signal,
        "networks": networks.collect::<Map<_, _>>(),
        "profiles": service.profiles,
        "ulimits": service.ulimits,
        "extra_hosts": service.extra_hosts,
    })
}
