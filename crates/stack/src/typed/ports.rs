//! Container ports: those other services may reach, and those published on the host.

use std::net::IpAddr;

use crate::{keys, model::PublishedPort, reading::Reading, yaml::Node};

/// `expose`.
pub(crate) fn exposed(reading: &mut Reading<'_>, node: &Node, path: &str) -> Vec<u16> {
    let path = &format!("{path}.expose");
    let port = |text: &str| text.strip_suffix("/tcp").unwrap_or(text).parse().ok().filter(|port| *port != 0);
    let items = reading.list_under(node, path.trim_end_matches(".expose"), "expose");
    items
        .iter()
        .filter_map(|item| {
            reading.parsed(item, path, "a TCP port from 1 to 65535 (ranges are not supported)", port)
        })
        .collect()
}

/// `ports`, spelled long by now.
pub(crate) fn published(reading: &mut Reading<'_>, node: &Node, path: &str) -> Vec<PublishedPort> {
    let items = reading.list_under(node, path, "ports");
    items.iter().filter_map(|item| one(reading, item, &format!("{path}.ports"))).collect()
}

fn one(reading: &mut Reading<'_>, item: &Node, path: &str) -> Option<PublishedPort> {
    keys::mapping(reading, item, path, &keys::PORT)?;
    let Some(target) = item.get("target") else {
        reading.problem(
            item.place,
            format!("`{path}` has a port without `target`; expected the container port"),
        );
        return None;
    };
    let container_port = number(reading, target, &format!("{path}.target"))?;
    if let Some(node) = item.get("protocol").filter(|node| node.as_text() != Some("tcp")) {
        reading.unexpected(node, &format!("{path}.protocol"), "`tcp`, the one protocol supported");
    }
    if let Some(node) = item.get("mode").filter(|node| !matches!(node.as_text(), Some("ingress" | "host"))) {
        reading.unexpected(node, &format!("{path}.mode"), "`ingress` or `host`");
    }
    let host_port = match item.get("published") {
        // Compose reads 0 as "let the engine choose".
        Some(node) if node.as_text() == Some("0") => None,
        Some(node) => Some(number(reading, node, &format!("{path}.published"))?),
        None => None,
    };
    let address = |text: &str| text.parse::<IpAddr>().ok().map(|address| address.to_string());
    let host_address = match item.get("host_ip") {
        Some(node) => {
            Some(reading.parsed(node, &format!("{path}.host_ip"), "an address such as 127.0.0.1", address)?)
        }
        None => None,
    };
    Some(PublishedPort { at: reading.location(item.place), host_address, host_port, container_port })
}

fn number(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<u16> {
    let range = node.as_text().and_then(|text| text.split_once('-')).is_some_and(|(low, high)| {
        [low, high].iter().all(|end| !end.is_empty() && end.chars().all(|c| c.is_ascii_digit()))
    });
    if range {
        let message = format!("`{path}` is a range, which is not supported by Shakedown; list each port");
        reading.problem(node.place, message);
        return None;
    }
    reading.port(node, path)
}
