//! What the engine tells of each instance: its inspection, and the arguments of its processes.

use super::searched;
use crate::{
    canary::Search,
    observation::Surface,
    runner::{Phase, all_instances, service_of},
    running::RunningStack,
};

/// Reads both, for every instance.
pub(super) async fn read(running: &RunningStack, search: &Search) -> Vec<Surface> {
    let mut surfaces = Vec::new();
    let runner = running.runner();
    for instance in all_instances(running.stack()) {
        let inspected = runner.inspect(&instance).await.map(String::into_bytes);
        let inspected = inspected.map_err(|error| error.to_string());
        let mut surface = searched("secrets.inspect".into(), &instance, inspected, search);
        // A variable that the definition plants in this very service is told by the engine as it was told to the engine.
        let own = format!("{}.", service_of(&instance));
        surface.findings.retain(|finding| !finding.canary.starts_with(&own));
        surfaces.push(surface);
    }
    // One program shows the marker in its arguments; whoever reads processes must see it there. Which of the others
    // show nothing is then known to be their doing.
    let control = match runner.start_control().await {
        Ok(control) => runner.processes(&control).await,
        Err(error) => Err(error),
    };
    let seen = control.as_ref().is_ok_and(|lines| search.sees_marker(lines.join("\n").as_bytes()));
    for instance in all_instances(running.stack()) {
        let runs = runner.state(&instance).await.is_ok_and(|state| state.phase == Phase::Running);
        if !runs {
            continue;
        }
        let lines = runner.processes(&instance).await.map_err(|error| error.to_string());
        let lines = lines.and_then(|lines| {
            if lines.is_empty() { Err("it runs, and no process of it was listed".into()) } else { Ok(lines) }
        });
        let bytes = lines.map(|lines| lines.join("\n").into_bytes());
        let surface = searched("secrets.processes".into(), &instance, bytes, search);
        surfaces.push(Surface { marker: seen, ..surface });
    }
    surfaces
}
