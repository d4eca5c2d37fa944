//! What is published past the proxy, and where the proxy could keep what it is sent.

use std::net::IpAddr;

use stack::Stack;

use super::{Check, Finding, Subject, of, with_proxy};
use crate::{observation::HostPort, runner::service_of};

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    vec![
        published(stack)
            .only_in_containers("a process publishes nothing, all of them listen on loopback addresses"),
        memory_only().only_in_containers("a process may write wherever its user may"),
    ]
}

fn published(stack: &Stack) -> Check {
    let entrance = stack.options.entrance.as_ref().map(|entrance| entrance.service.clone());
    let declared: Vec<(String, u16)> = stack
        .services
        .iter()
        .flat_map(|(name, service)| service.ports.iter().map(move |port| (name.clone(), port.container_port)))
        .filter(|(name, _)| Some(name) != entrance.as_ref())
        .collect();
    let claim = "nothing but the entrance is published on the host";
    let expected =
        "no other service has `ports`, and the engine binds nothing of theirs but for this machine alone";
    Check::new("proxy.published", Subject::Proxy, claim, expected, move |seen| {
        with_proxy(seen, |proxy| {
            if !declared.is_empty() {
                let told = declared.iter().map(|(name, port)| format!("`{name}` publishes its port {port}"));
                return Finding::Fail(told.collect::<Vec<_>>().join("; "), None);
            }
            let mut open = Vec::new();
            for (instance, ports) in &proxy.published {
                let ports = match ports {
                    Ok(ports) => ports,
                    Err(why) => return Finding::Unknown(format!("`{instance}`: {why}")),
                };
                let others = Some(service_of(instance)) != entrance.as_deref();
                open.extend(ports.iter().filter(|port| others && !is_local(port)).map(|port| {
                    format!("`{instance}` has {} at {}:{}", port.container, port.address, port.port)
                }));
            }
            match (open.is_empty(), proxy.published.is_empty()) {
                (true, true) => Finding::Unknown("the engine tells of no container".into()),
                (true, false) => Finding::Pass(format!("only {}", entrance.as_deref().unwrap_or("nothing"))),
                (false, _) => Finding::Fail(open.join("; "), None),
            }
        })
    })
}

/// A gate gives its own probes a way to every service, for processes of this machine alone.
fn is_local(port: &HostPort) -> bool {
    port.address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn memory_only() -> Check {
    let claim = "the proxy keeps no body anywhere but in memory";
    let expected = "a file system that takes no writes, and nothing mounted that does";
    of(
        "proxy.memory_only",
        claim,
        expected,
        |proxy| &proxy.places,
        |_, places| {
            if !places.read_only {
                return Finding::Fail("its file system takes writes".into(), None);
            }
            if !places.writable.is_empty() {
                return Finding::Fail(
                    format!("{} is mounted and takes writes", places.writable.join(", ")),
                    None,
                );
            }
            let memory = if places.memory.is_empty() { "nowhere".into() } else { places.memory.join(", ") };
            Finding::Pass(format!("writes to memory at {memory}, and nowhere else"))
        },
    )
}
