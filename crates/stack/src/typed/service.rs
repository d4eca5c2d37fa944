//! One service.

use std::{collections::BTreeMap, path::Path, time::Duration};

use super::{deploy, health, mounts, options, ports};
use crate::{
    keys,
    model::{Condition, Dependency, NetworkAttachment, RestartPolicy, Service},
    reading::{Reading, Target},
    yaml::{Entry, Mapping, Node, Value},
};

/// Compose's own, when nothing is said.
const STOP_GRACE_PERIOD: Duration = Duration::from_secs(10);

/// Reads a service. Whatever is wrong is recorded, and the rest is read all the same.
pub(crate) fn service(reading: &mut Reading<'_>, name: &str, entry: &Entry, folder: &Path) -> Service {
    let node = &entry.node;
    let path = format!("services.{name}");
    let path = path.as_str();
    let sound = keys::mapping(reading, node, path, &keys::SERVICE).is_some();
    let image = node.get("image");
    if image.is_none() && !keys::SERVICE.means(node, "image") && node.get("build").is_none() && sound {
        let message = format!(
            "service `{name}` has no `image`; container images come from Nix (`make images`): name one, such as \
             `image: shakedown/{name}:dev`"
        );
        reading.problem(entry.key, message);
    }
    let limits = deploy::limits(reading, node, path);
    let options =
        node.get("x-shakedown").map(|node| options::service(reading, node, path)).unwrap_or_default();
    Service {
        at: reading.location(entry.key),
        image: image
            .and_then(|node| reading.filled(node, &format!("{path}.image"), "the name of a container image"))
            .unwrap_or_default(),
        image_at: reading.location(image.map_or(entry.key, |node| node.place)),
        pull_policy: pull_policy(reading, node, path),
        kind: options.kind,
        entrypoint: words(reading, node, path, "entrypoint"),
        command: words(reading, node, path, "command"),
        environment: environment(reading, node, path),
        user: reading.text_under(node, path, "user"),
        working_dir: reading.text_under(node, path, "working_dir"),
        hostname: reading.text_under(node, path, "hostname"),
        expose: ports::exposed(reading, node, path),
        ports: ports::published(reading, node, path),
        mounts: mounts::mounts(reading, node, path, folder),
        tmpfs: mounts::tmpfs(reading, node, path),
        secrets: mounts::secrets(reading, node, path),
        depends_on: depends_on(reading, node, path),
        healthcheck: health::healthcheck(reading, node, path),
        restart: restart(reading, node, path),
        replicas: limits.replicas,
        read_only: reading.flag(node, path, "read_only"),
        cap_drop: reading.texts_under(node, path, "cap_drop"),
        cap_add: reading.texts_under(node, path, "cap_add"),
        security_opt: reading.texts_under(node, path, "security_opt"),
        init: reading.flag(node, path, "init"),
        memory_limit: limits.memory,
        shm_size: reading.size_under(node, path, "shm_size"),
        pids_limit: limits.pids,
        cpus: limits.cpus,
        stop_grace_period: reading
            .duration_under(node, path, "stop_grace_period")
            .unwrap_or(STOP_GRACE_PERIOD),
        stop_signal: reading.text_under(node, path, "stop_signal"),
        networks: networks(reading, node, path),
        labels: labels(reading, node, path),
        profiles: profiles(reading, node, path),
        ulimits: deploy::ulimits(reading, node, path),
        extra_hosts: extra_hosts(reading, node, path),
        ready: options.ready,
        restart_budget: options.restarts,
    }
}

/// The entries of the mapping under a key; recorded when it is something else.
pub(crate) fn entries<'n>(
    reading: &mut Reading<'_>,
    node: &'n Node,
    path: &str,
    key: &str,
) -> Option<&'n Mapping> {
    let found = node.get(key)?;
    if found.as_mapping().is_none() {
        reading.unexpected(found, &format!("{path}.{key}"), "a mapping, or a list of texts");
    }
    found.as_mapping()
}

fn words(reading: &mut Reading<'_>, node: &Node, path: &str, key: &str) -> Option<Vec<String>> {
    let found = node.get(key)?;
    match &found.value {
        Value::Sequence(_) => Some(reading.texts_under(node, path, key)),
        // A string that could not be split was recorded then.
        Value::Scalar(_) => None,
        Value::Mapping(_) => {
            reading.unexpected(found, &format!("{path}.{key}"), "a command, or a list of words");
            None
        }
    }
}

fn pull_policy(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<String> {
    let found = node.get("pull_policy")?;
    let known = |text: &str| {
        let fixed = ["always", "never", "missing", "if_not_present", "build", "daily", "weekly"];
        (fixed.contains(&text) || text.starts_with("every_")).then(|| text.to_owned())
    };
    reading.parsed(found, &format!("{path}.pull_policy"), "`never`, `missing` or `always`", known)
}

/// A variable without a value takes that of the person who starts the stack, and is left out when there is none.
fn environment(reading: &mut Reading<'_>, node: &Node, path: &str) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for (name, entry) in entries(reading, node, path, "environment").into_iter().flatten() {
        let value = if name.is_empty() || name.contains(['=', '\0']) {
            let message =
                format!("`{path}.environment` has a variable named `{name}`; expected `NAME: value`");
            reading.problem(entry.key, message);
            None
        } else if entry.node.is_null() {
            let value = reading.variable(name);
            if value.is_none() {
                let message = format!("variable {name} is not set, so `{path}.environment` leaves it out");
                reading.warn(entry.key, &format!("{path} {name}"), message);
            }
            value
        } else {
            reading.text(&entry.node, &format!("{path}.environment.{name}"))
        };
        variables.extend(value.map(|value| (name.clone(), value)));
    }
    variables
}

fn labels(reading: &mut Reading<'_>, node: &Node, path: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, entry) in entries(reading, node, path, "labels").into_iter().flatten() {
        let value = if entry.node.is_null() {
            Some(String::new())
        } else {
            reading.text(&entry.node, &format!("{path}.labels.{name}"))
        };
        labels.extend(value.map(|value| (name.clone(), value)));
    }
    labels
}

fn profiles(reading: &mut Reading<'_>, node: &Node, path: &str) -> Vec<String> {
    reading.texts_under(node, path, "profiles")
}

fn extra_hosts(reading: &mut Reading<'_>, node: &Node, path: &str) -> Vec<String> {
    let mut hosts = Vec::new();
    for (name, entry) in entries(reading, node, path, "extra_hosts").into_iter().flatten() {
        let expected = "an address, or `host-gateway`";
        let address = reading.filled(&entry.node, &format!("{path}.extra_hosts.{name}"), expected);
        hosts.extend(address.map(|address| format!("{name}:{address}")));
    }
    hosts
}

fn depends_on(reading: &mut Reading<'_>, node: &Node, path: &str) -> BTreeMap<String, Dependency> {
    let mut dependencies = BTreeMap::new();
    for (name, entry) in entries(reading, node, path, "depends_on").into_iter().flatten() {
        reading.refer(entry.key, Target::Dependency, name);
        let path = format!("{path}.depends_on.{name}");
        if keys::mapping(reading, &entry.node, &path, &keys::DEPENDENCY).is_none() {
            continue;
        }
        let known = |text: &str| match text {
            "service_started" => Some(Condition::ServiceStarted),
            "service_healthy" => Some(Condition::ServiceHealthy),
            "service_completed_successfully" => Some(Condition::ServiceCompletedSuccessfully),
            _ => None,
        };
        let expected = "`service_started`, `service_healthy` or `service_completed_successfully`";
        let condition = if let Some(node) = entry.node.get("condition") {
            reading.parsed(node, &format!("{path}.condition"), expected, known)
        } else {
            reading.problem(entry.key, format!("`{path}` has no `condition`; expected {expected}"));
            None
        };
        let dependency = Dependency {
            at: reading.location(entry.key),
            condition: condition.unwrap_or(Condition::ServiceStarted),
            required: reading.flag_or(&entry.node, &path, "required", true),
        };
        dependencies.insert(name.clone(), dependency);
    }
    dependencies
}

fn restart(reading: &mut Reading<'_>, node: &Node, path: &str) -> RestartPolicy {
    let known = |text: &str| match text {
        "no" => Some(RestartPolicy::No),
        "always" => Some(RestartPolicy::Always),
        "unless-stopped" => Some(RestartPolicy::UnlessStopped),
        "on-failure" => Some(RestartPolicy::OnFailure(None)),
        _ => text.strip_prefix("on-failure:")?.parse().ok().map(|most| RestartPolicy::OnFailure(Some(most))),
    };
    let expected = "`no`, `always`, `on-failure[:TIMES]` or `unless-stopped`";
    node.get("restart")
        .and_then(|node| reading.parsed(node, &format!("{path}.restart"), expected, known))
        .unwrap_or_default()
}

/// A service that names no network is on `default`, as in Compose.
fn networks(reading: &mut Reading<'_>, node: &Node, path: &str) -> BTreeMap<String, NetworkAttachment> {
    let mut networks = BTreeMap::new();
    for (name, entry) in entries(reading, node, path, "networks").into_iter().flatten() {
        reading.refer(entry.key, Target::Network, name);
        let path = format!("{path}.networks.{name}");
        let node = &entry.node;
        let readable = !node.is_null() && keys::mapping(reading, node, &path, &keys::ATTACHMENT).is_some();
        let aliases = if readable { reading.texts_under(node, &path, "aliases") } else { Vec::new() };
        networks.insert(name.clone(), NetworkAttachment { aliases });
    }
    if networks.is_empty() {
        networks.insert("default".to_owned(), NetworkAttachment::default());
    }
    networks
}
