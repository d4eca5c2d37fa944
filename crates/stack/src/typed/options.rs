//! Our own `x-shakedown` keys, of the stack and of a service.

use super::values;
use crate::{
    keys,
    model::{Entrance, EntranceTls, Kind, Readiness, StackOptions},
    reading::{Reading, Target},
    yaml::Node,
};

/// `x-shakedown` of a service.
#[derive(Default)]
pub(crate) struct ServiceOptions {
    pub(crate) kind: Kind,
    pub(crate) ready: Option<Readiness>,
    pub(crate) restarts: u32,
}

/// `x-shakedown` at the top.
pub(crate) fn stack(reading: &mut Reading<'_>, node: &Node) -> StackOptions {
    const PATH: &str = "x-shakedown";
    let mut options = StackOptions::default();
    if keys::mapping(reading, node, PATH, &keys::STACK_OPTIONS).is_none() {
        return options;
    }
    for (key, duration) in [
        ("ttl", &mut options.ttl),
        ("ttl_grace", &mut options.ttl_grace),
        ("settle", &mut options.settle),
        ("ready_within", &mut options.ready_within),
    ] {
        match (reading.duration_under(node, PATH, key), node.get(key)) {
            (Some(found), Some(node)) if found.is_zero() => {
                reading.problem(
                    node.place,
                    format!("`{PATH}.{key}` is 0; expected a time that something can happen in"),
                );
            }
            (Some(found), _) => *duration = found,
            (None, _) => {}
        }
    }
    let planted = reading.list_under(node, PATH, "planted_environment");
    let shape = |text: &str| {
        let (service, variable) = text.split_once('.')?;
        (!service.is_empty() && !variable.is_empty()).then(|| text.to_owned())
    };
    for item in planted {
        let found = reading.parsed(item, "x-shakedown.planted_environment", "`SERVICE.VARIABLE`", shape);
        if let Some((service, variable)) = found.as_ref().and_then(|found| found.split_once('.')) {
            reading.refer(item.place, Target::Planted(variable.to_owned()), service);
        }
        options.planted_environment.extend(found);
    }
    let gate = super::service::entries(reading, node, PATH, "gate_environment");
    for (name, entry) in gate.into_iter().flatten() {
        let value = reading.text(&entry.node, &format!("{PATH}.gate_environment.{name}"));
        options.gate_environment.extend(value.map(|value| (name.clone(), value)));
    }
    options.seed = reading.number_under(node, PATH, "seed", values::WHOLE);
    options.entrance = node.get("entrance").and_then(|node| entrance(reading, node));
    options
}

fn entrance(reading: &mut Reading<'_>, node: &Node) -> Option<Entrance> {
    const PATH: &str = "x-shakedown.entrance";
    keys::mapping(reading, node, PATH, &keys::ENTRANCE)?;
    let service = needed(reading, node, PATH, "service");
    if let (Some(service), Some(node)) = (&service, node.get("service")) {
        reading.refer(node.place, Target::Entrance, service);
    }
    let port = needed_port(reading, node, PATH);
    let plain_port = node.get("plain_port").and_then(|found| {
        let plain_port = reading.port(found, &format!("{PATH}.plain_port"));
        if plain_port.is_some() && plain_port == port {
            let message = format!("`{PATH}.plain_port` is `port` again; expected another container port");
            reading.problem(found.place, message);
        }
        plain_port
    });
    let tls = node.get("tls").map(|node| tls(reading, node, &format!("{PATH}.tls")));
    Some(Entrance { service: service?, port: port?, plain_port, tls: tls.flatten() })
}

fn tls(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<EntranceTls> {
    keys::mapping(reading, node, path, &keys::ENTRANCE_TLS)?;
    let [certificate, key] = ["certificate", "key"].map(|part| {
        let secret = needed(reading, node, path, part)?;
        reading.refer(node.get(part)?.place, Target::EntranceTls, &secret);
        Some(secret)
    });
    let tls = EntranceTls { certificate: certificate?, key: key? };
    if tls.certificate == tls.key {
        let message =
            format!("`{path}` has one secret for both; expected one with the certificate, one with its key");
        reading.problem(node.place, message);
    }
    Some(tls)
}

/// `x-shakedown` of the service at a path.
pub(crate) fn service(reading: &mut Reading<'_>, node: &Node, path: &str) -> ServiceOptions {
    let path = &format!("{path}.x-shakedown");
    if keys::mapping(reading, node, path, &keys::SERVICE_OPTIONS).is_none() {
        return ServiceOptions::default();
    }
    let known = |text: &str| match text {
        "daemon" => Some(Kind::Daemon),
        "oneshot" => Some(Kind::Oneshot),
        _ => None,
    };
    let kind = node
        .get("kind")
        .and_then(|node| reading.parsed(node, &format!("{path}.kind"), "`daemon` or `oneshot`", known))
        .unwrap_or_default();
    let restarts = reading.number_under(node, path, "restarts", values::WHOLE).unwrap_or(0);
    let ready = node.get("ready").and_then(|node| ready(reading, node, &format!("{path}.ready")));
    if kind == Kind::Oneshot
        && let Some(node) = node.get("ready")
    {
        let message =
            format!("`{path}` has `ready`, but a oneshot is never ready: it succeeds; take `ready` out");
        reading.problem(node.place, message);
    }
    ServiceOptions { kind, ready, restarts }
}

fn ready(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Readiness> {
    let probes = keys::mapping(reading, node, path, &keys::READY)?;
    if probes.len() != 1 {
        let message = format!(
            "`{path}` has {} probes; expected exactly one of `http`, `postgres` and `redis` (an overlay replaces it \
             with `ready: !override`)",
            probes.len()
        );
        reading.problem(node.place, message);
        return None;
    }
    if let Some(node) = node.get("http") {
        return http(reading, node, &format!("{path}.http"));
    }
    if let Some(node) = node.get("postgres") {
        return postgres(reading, node, &format!("{path}.postgres"));
    }
    let node = node.get("redis")?;
    let path = format!("{path}.redis");
    keys::mapping(reading, node, &path, &keys::READY_REDIS)?;
    let password_secret = password(reading, node, &path);
    Some(Readiness::Redis { port: needed_port(reading, node, &path)?, password_secret })
}

fn http(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Readiness> {
    keys::mapping(reading, node, path, &keys::READY_HTTP)?;
    let port = needed_port(reading, node, path);
    let route = needed(reading, node, path, "path");
    if let Some(found) =
        node.get("path").filter(|_| route.as_ref().is_some_and(|route| !route.starts_with('/')))
    {
        reading.unexpected(found, &format!("{path}.path"), "a path that begins with `/`");
    }
    let status = |text: &str| text.parse().ok().filter(|status| (100..=599).contains(status));
    let status = match node.get("status") {
        Some(node) => {
            reading.parsed(node, &format!("{path}.status"), "an HTTP status such as 200", status)?
        }
        None => 200,
    };
    let body = reading.text_under(node, path, "body");
    Some(Readiness::Http { port: port?, path: route?, status, body })
}

fn postgres(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Readiness> {
    keys::mapping(reading, node, path, &keys::READY_POSTGRES)?;
    let port = needed_port(reading, node, path);
    let user = needed(reading, node, path, "user");
    let database = needed(reading, node, path, "database");
    needed(reading, node, path, "password_secret");
    let password_secret = password(reading, node, path);
    let query = reading.text_under(node, path, "query").unwrap_or_else(|| "SELECT 1".to_owned());
    Some(Readiness::Postgres {
        port: port?,
        user: user?,
        database: database?,
        password_secret: password_secret?,
        query,
    })
}

/// The secret that holds a password, if one is named.
fn password(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<String> {
    let secret = reading.text_under(node, path, "password_secret")?;
    reading.refer(node.get("password_secret")?.place, Target::Secret, &secret);
    Some(secret)
}

fn needed(reading: &mut Reading<'_>, node: &Node, path: &str, key: &str) -> Option<String> {
    if node.get(key).is_none() {
        reading.problem(node.place, format!("`{path}` has no `{key}`, which it needs"));
    }
    reading.text_under(node, path, key)
}

fn needed_port(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<u16> {
    if let Some(port) = node.get("port") {
        reading.port(port, &format!("{path}.port"))
    } else {
        reading.problem(node.place, format!("`{path}` has no `port`; expected the container port"));
        None
    }
}
