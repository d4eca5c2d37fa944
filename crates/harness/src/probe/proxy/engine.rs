//! What the engine tells: what is published on the host, where the proxy could keep something, who listens beside it.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde_json::Value;
use tokio::net::TcpStream;

use crate::{
    observation::{Admin, HostPort, Places, Seen},
    running::RunningStack,
};

/// Where Caddy's admin API is, unless it is told otherwise.
const ADMIN_PORT: u16 = 2019;
/// A neighbour answers, or refuses, within this.
const CONNECTED_WITHIN: Duration = Duration::from_secs(2);

async fn inspected(running: &RunningStack, instance: &str) -> Seen<Value> {
    let told = running.runner().inspect(instance).await.map_err(|error| error.to_string())?;
    serde_json::from_str(&told).map_err(|error| error.to_string())
}

/// What is published on the host, by instance.
pub(super) async fn published(running: &RunningStack) -> BTreeMap<String, Seen<Vec<HostPort>>> {
    let mut published = BTreeMap::new();
    for instance in running.instances() {
        let ports = inspected(running, &instance).await.map(|told| host_ports(&told));
        published.insert(instance, ports);
    }
    published
}

fn host_ports(inspected: &Value) -> Vec<HostPort> {
    let ports = inspected.pointer("/NetworkSettings/Ports").and_then(Value::as_object);
    let bindings = ports.into_iter().flatten().flat_map(|(container, bindings)| {
        bindings.as_array().into_iter().flatten().map(move |binding| (container, binding))
    });
    let text = |binding: &Value, name: &str| binding[name].as_str().unwrap_or_default().to_owned();
    bindings
        .map(|(container, binding)| HostPort {
            container: container.clone(),
            address: text(binding, "HostIp"),
            port: text(binding, "HostPort"),
        })
        .collect()
}

/// Where the entrance's container could keep what it was sent.
pub(super) async fn places(running: &RunningStack) -> Seen<Places> {
    Ok(places_of(&inspected(running, entrance(running)?).await?))
}

fn places_of(inspected: &Value) -> Places {
    let mounts = inspected["Mounts"].as_array().into_iter().flatten();
    let writable = mounts.filter(|mount| mount["RW"] == true && mount["Type"] != "tmpfs");
    let memory = inspected.pointer("/HostConfig/Tmpfs").and_then(Value::as_object);
    Places {
        read_only: inspected.pointer("/HostConfig/ReadonlyRootfs") == Some(&Value::Bool(true)),
        writable: writable.map(|mount| mount["Destination"].as_str().unwrap_or("?").to_owned()).collect(),
        memory: memory.into_iter().flatten().map(|(path, _)| path.clone()).collect(),
    }
}

/// Whether the admin API listens on the stack's own network.
pub(super) async fn admin(running: &RunningStack) -> Seen<Admin> {
    let told = inspected(running, entrance(running)?).await?;
    let networks = told.pointer("/NetworkSettings/Networks").and_then(Value::as_object);
    let mut addresses =
        networks.into_iter().flatten().filter_map(|(_, network)| network["IPAddress"].as_str());
    let address: IpAddr = addresses
        .find_map(|address| address.parse().ok())
        .ok_or("the engine tells no address of the proxy")?;
    let port = running.stack().options.entrance.as_ref().map_or(0, |entrance| entrance.port);
    Ok(Admin { address, control: connects(address, port).await, open: connects(address, ADMIN_PORT).await })
}

fn entrance(running: &RunningStack) -> Seen<&str> {
    let entrance = running.stack().options.entrance.as_ref();
    entrance
        .map(|entrance| entrance.service.as_str())
        .ok_or_else(|| "the definition names no entrance".into())
}

async fn connects(address: IpAddr, port: u16) -> bool {
    let connected = tokio::time::timeout(CONNECTED_WITHIN, TcpStream::connect((address, port))).await;
    matches!(connected, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ports_that_are_only_exposed_are_not_published() {
        let told = json!({ "NetworkSettings": { "Ports": {
            "8000/tcp": null,
            "8443/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "49153" }],
        } } });
        let port =
            HostPort { container: "8443/tcp".into(), address: "127.0.0.1".into(), port: "49153".into() };
        assert_eq!(host_ports(&told), [port]);
    }

    #[test]
    fn a_place_on_a_disk_is_told_from_one_in_memory() {
        let told = json!({
            "HostConfig": { "ReadonlyRootfs": true, "Tmpfs": { "/tmp": "size=16m" } },
            "Mounts": [
                { "Type": "bind", "Destination": "/etc/caddy/Caddyfile", "RW": false },
                { "Type": "volume", "Destination": "/data", "RW": true },
                { "Type": "tmpfs", "Destination": "/run", "RW": true },
            ],
        });
        let expected =
            Places { read_only: true, writable: vec!["/data".into()], memory: vec!["/tmp".into()] };
        assert_eq!(places_of(&told), expected);
    }
}
