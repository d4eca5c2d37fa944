//! The arguments of processes: looked at again and again while the rest goes on, because many live only for a moment.

use std::time::Duration;

use super::searched;
use crate::{canary::Search, observation::Surface, runner::Phase, running::RunningStack};

/// Between looks. Each costs the engine a process of its own for every container.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at every running instance until it is dropped.
pub async fn watch(running: &RunningStack) {
    loop {
        look(running).await;
        tokio::time::sleep(EVERY).await;
    }
}

async fn look(running: &RunningStack) {
    for instance in running.instances() {
        // An instance that does not run, now or ever again, has no processes to list.
        if let Ok(lines) = running.runner().processes(&instance).await {
            running.processes().keep(&instance, lines);
        }
    }
}

/// One look more, then the search of all that was seen. One program shows the marker in its arguments: whoever reads
/// processes must see it there.
pub(super) async fn read(running: &RunningStack, search: &Search) -> Vec<Surface> {
    let runner = running.runner();
    look(running).await;
    let control = match runner.start_control().await {
        Ok(control) => runner.processes(&control).await,
        Err(error) => Err(error),
    };
    let marker = control.as_ref().is_ok_and(|lines| search.sees_marker(lines.join("\n").as_bytes()));
    let mut surfaces = Vec::new();
    for instance in running.instances() {
        let (looks, lines) = running.processes().of(&instance);
        let runs = runner.state(&instance).await.is_ok_and(|state| state.phase == Phase::Running);
        let bytes = match (looks, runs) {
            // It ended before anybody could look; what it was started with is told by its inspection.
            (0, false) => continue,
            (0, true) => Err("it runs, and no process of it was listed".into()),
            _ => Ok(lines.into_bytes()),
        };
        let part = format!("{instance}, {looks} looks");
        surfaces.push(Surface { marker, ..searched("secrets.processes".into(), &part, bytes, search) });
    }
    surfaces
}
