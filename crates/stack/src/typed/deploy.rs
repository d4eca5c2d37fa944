//! How many of a service run, and within which limits: `deploy`, and the service's own keys of the same meaning.

use std::collections::BTreeMap;

use super::{service::entries, values};
use crate::{keys, reading::Reading, yaml::Node};

/// What both spellings come to.
pub(crate) struct Limits {
    pub(crate) replicas: u16,
    /// Bytes.
    pub(crate) memory: Option<u64>,
    pub(crate) pids: Option<i64>,
    /// Processors.
    pub(crate) cpus: Option<f64>,
}

/// Reads both spellings; that they differ is recorded, as Compose refuses it.
pub(crate) fn limits(reading: &mut Reading<'_>, node: &Node, path: &str) -> Limits {
    let own = Limits {
        replicas: reading.number_under(node, path, "scale", values::WHOLE).unwrap_or(1),
        memory: reading.size_under(node, path, "mem_limit"),
        pids: reading.number_under(node, path, "pids_limit", values::WHOLE),
        cpus: reading.processors_under(node, path, "cpus"),
    };
    let Some(deploy) = node.get("deploy") else {
        return own;
    };
    let path = &format!("{path}.deploy");
    if keys::mapping(reading, deploy, path, &keys::DEPLOY).is_none() {
        return own;
    }
    let replicas = reading.number_under(deploy, path, "replicas", values::WHOLE);
    if replicas.is_some_and(|replicas| replicas != own.replicas) && node.get("scale").is_some() {
        differ(reading, deploy, "replicas", "scale");
    }
    let replicas = replicas.unwrap_or(own.replicas);
    let Some(limits) = limits_node(reading, deploy, path) else {
        return Limits { replicas, ..own };
    };
    let path = &format!("{path}.resources.limits");
    let memory = reading.size_under(limits, path, "memory");
    let pids = reading.number_under(limits, path, "pids", values::WHOLE);
    let cpus = reading.processors_under(limits, path, "cpus");
    if memory.is_some() && own.memory.is_some() && memory != own.memory {
        differ(reading, limits, "memory", "mem_limit");
    }
    if pids.is_some() && own.pids.is_some() && pids != own.pids {
        differ(reading, limits, "pids", "pids_limit");
    }
    if cpus.zip(own.cpus).is_some_and(|(one, other): (f64, f64)| one.to_bits() != other.to_bits()) {
        differ(reading, limits, "cpus", "cpus");
    }
    Limits { replicas, memory: memory.or(own.memory), pids: pids.or(own.pids), cpus: cpus.or(own.cpus) }
}

fn limits_node<'n>(reading: &mut Reading<'_>, deploy: &'n Node, path: &str) -> Option<&'n Node> {
    let resources = deploy.get("resources")?;
    keys::mapping(reading, resources, &format!("{path}.resources"), &keys::RESOURCES)?;
    let limits = resources.get("limits")?;
    keys::mapping(reading, limits, &format!("{path}.resources.limits"), &keys::LIMITS)?;
    Some(limits)
}

fn differ(reading: &mut Reading<'_>, node: &Node, key: &str, own: &str) {
    let place = node.get(key).map_or(node.place, |node| node.place);
    reading
        .problem(place, format!("`{key}` under `deploy` and the service's `{own}` differ; give one of them"));
}

/// `ulimits`: name to soft and hard limit.
pub(crate) fn ulimits(reading: &mut Reading<'_>, node: &Node, path: &str) -> BTreeMap<String, (i64, i64)> {
    let mut limits = BTreeMap::new();
    for (name, entry) in entries(reading, node, path, "ulimits").into_iter().flatten() {
        let path = format!("{path}.ulimits.{name}");
        if keys::mapping(reading, &entry.node, &path, &keys::ULIMIT).is_none() {
            continue;
        }
        let soft = reading.number_under(&entry.node, &path, "soft", values::WHOLE);
        let hard = reading.number_under(&entry.node, &path, "hard", values::WHOLE);
        match (soft, hard) {
            (Some(soft), Some(hard)) => {
                limits.insert(name.clone(), (soft, hard));
            }
            _ => reading.problem(
                entry.key,
                format!("`{path}` is incomplete; expected a number, or `soft` and `hard`"),
            ),
        }
    }
    limits
}
