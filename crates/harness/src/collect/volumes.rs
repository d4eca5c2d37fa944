//! Every volume, raw, with all that lies in it; but for that of Postgres, which has a collector of its own.

use std::sync::Arc;

use stack::{MountSource, Readiness};

use super::archive;
use crate::{canary::Search, observation::Surface, running::RunningStack};

/// Writes the marker into the volume, reads all of it, and takes the marker away. A file that changes meanwhile is read all
/// the same, and told by 1.
const READ: &str = r#"
printf %s "$0" >/volume/shakedown-control
tar --create --sparse --hole-detection=raw --directory /volume . 2>/dev/null
told=$?
rm /volume/shakedown-control
[ $told -le 1 ]
"#;

/// Reads them, all at once.
pub(super) async fn read(running: &RunningStack, search: &Arc<Search>) -> Vec<Surface> {
    let of_postgres = of_postgres(running);
    let volumes = running.stack().volumes.keys().filter(|name| !of_postgres.contains(name));
    let reading = volumes.map(|volume| async move {
        let command = ["bash", "-c", READ, &running.plan().run.marker];
        let bytes = running.runner().toolbox(volume, &command).await.map_err(|error| error.to_string());
        archive::surfaces("inputs.volumes", format!("volume {volume}"), bytes, search).await
    });
    futures::future::join_all(reading).await.concat()
}

/// The volumes of the services that have `ready: postgres`.
pub(super) fn of_postgres(running: &RunningStack) -> Vec<&String> {
    let services = running.stack().services.values();
    let databases = services.filter(|service| matches!(service.ready, Some(Readiness::Postgres { .. })));
    let mounts = databases.flat_map(|service| &service.mounts);
    let volumes = mounts.filter_map(|mount| match &mount.source {
        MountSource::Volume(name) => Some(name),
        MountSource::Bind(_) => None,
    });
    volumes.collect()
}
