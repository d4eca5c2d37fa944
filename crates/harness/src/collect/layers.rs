//! What instances have written beside volumes. The control program has written the marker in every such place: who reads
//! that must see it.

use std::sync::Arc;

use stack::Readiness;

use super::archive;
use crate::{
    canary::Search,
    observation::{Seen, Surface},
    platform::RunnerKind,
    runner::service_of,
    running::RunningStack,
};

/// Everything that every instance has written. What Redis has is for the check of Redis.
pub(super) async fn read(
    running: &RunningStack,
    search: &Arc<Search>,
    control: &Seen<String>,
) -> Vec<Surface> {
    let (instances, read) = match control {
        Ok(control) => {
            let instances: Vec<String> = running.instances().into_iter().chain([control.clone()]).collect();
            let read = running.runner().written(&instances).await.map_err(|error| error.to_string());
            (instances, read)
        }
        Err(why) => (Vec::new(), Err(why.clone())),
    };
    let (instances, read) = match read.and_then(|read| proven(running, search, read)) {
        Ok(read) => (instances, read.into_iter().map(Ok).collect()),
        Err(why) => {
            let all = running.instances();
            let read = vec![Err(why); all.len()];
            (all, read)
        }
    };
    let searching = instances.iter().zip(read).map(|(instance, bytes): (_, Seen<Vec<u8>>)| {
        let service = running.service(service_of(instance));
        let is_redis = service.is_ok_and(|service| matches!(service.ready, Some(Readiness::Redis { .. })));
        let check = if is_redis { "inputs.redis" } else { "inputs.layers" };
        archive::surfaces(check, format!("files of {instance}"), bytes, search)
    });
    let surfaces = futures::future::join_all(searching).await.into_iter().flatten();
    surfaces.map(|surface| Surface { marker: surface.bytes.is_ok(), ..surface }).collect()
}

/// What was read of the instances, where the last, the control, shows the marker in each place that it wrote it to: a
/// writable layer and a memory file system; processes have one folder for both.
fn proven(running: &RunningStack, search: &Search, mut read: Vec<Vec<u8>>) -> Seen<Vec<Vec<u8>>> {
    let places = if running.runner().kind() == RunnerKind::Containers { 2 } else { 1 };
    let control = read.pop().unwrap_or_default();
    match search.times_marker(&control) {
        seen if seen >= places => Ok(read),
        seen => Err(format!("the control wrote the marker {places} times, and it was read {seen} times")),
    }
}
