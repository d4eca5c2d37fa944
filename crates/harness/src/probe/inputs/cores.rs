//! What a service would leave of the photos in its memory if it died: core files.

use stack::Kind;

use crate::{
    observation::{Cores, Seen},
    runner::service_of,
    running::RunningStack,
};

/// Asks the kernel of whatever runs the stack.
pub(super) async fn observe(running: &RunningStack) -> Seen<Cores> {
    let is_daemon = |instance: &String| {
        running.service(service_of(instance)).is_ok_and(|service| service.kind == Kind::Daemon)
    };
    let instances: Vec<String> = running.instances().into_iter().filter(is_daemon).collect();
    let told = |error: crate::runner::RunnerError| error.to_string();
    let limits = running.runner().core_limits(&instances).await.map_err(told)?;
    let pattern = ["cat", "/proc/sys/kernel/core_pattern"];
    let pattern = running.runner().toolbox(running.image_volume()?, &pattern).await.map_err(told)?;
    let pattern = String::from_utf8_lossy(&pattern).trim().to_owned();
    Ok(Cores { pattern, limits: instances.into_iter().zip(limits).collect() })
}
