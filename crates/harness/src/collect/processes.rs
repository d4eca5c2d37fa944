//! The arguments of processes: looked at again and again while the rest goes on, because many live only for a moment.

use std::time::Duration;

use super::searched;
use crate::{
    canary::Search,
    observation::{Seen, Surface},
    poll::{self, Attempt, NotReached},
    runner::Phase,
    running::RunningStack,
};

/// Between looks. Each costs the engine a process of its own for every container.
const EVERY: Duration = Duration::from_secs(1);

/// How long a running program may take until a look shows its arguments.
const LISTED_WITHIN: Duration = Duration::from_secs(10);

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

/// One look more, then the search of all that was seen. One program, the control, shows the marker in its arguments:
/// whoever reads processes must see it there.
pub(super) async fn read(running: &RunningStack, search: &Search, control: &Seen<String>) -> Vec<Surface> {
    let runner = running.runner();
    look(running).await;
    let check = || "secrets.processes".to_owned();
    let mut surfaces = Vec::new();
    if let Err(why) = control {
        surfaces.push(searched(check(), "the control program", Err(why.clone()), search));
    }
    for instance in running.instances() {
        let runs = runner.state(&instance).await.is_ok_and(|state| state.phase == Phase::Running);
        let listed = if runs { listed(running, &instance).await } else { Ok(()) };
        let (looks, lines) = running.processes().of(&instance);
        let bytes = match (listed, looks) {
            (Err(why), _) => Err(format!("it runs, and no process of it was listed: {why}")),
            // It ended before anybody could look; what it was started with is told by its inspection.
            (Ok(()), 0) => continue,
            (Ok(()), _) => Ok(lines.into_bytes()),
        };
        let part = format!("{instance}, {looks} looks");
        surfaces.push(Surface { marker: control.is_ok(), ..searched(check(), &part, bytes, search) });
    }
    surfaces
}

/// Starts the control program and returns its name once the marker was seen in its arguments. A program just started still
/// shows what it was started by, so it is looked at until it shows its own.
pub(super) async fn start_control(running: &RunningStack, search: &Search) -> Seen<String> {
    let runner = running.runner();
    let control = runner.start_control().await.map_err(|error| error.to_string())?;
    let seen = poll::until(LISTED_WITHIN, || async {
        match runner.processes(&control).await {
            Ok(lines) if search.sees_marker(lines.join("\n").as_bytes()) => Attempt::Ready(()),
            Ok(lines) => Attempt::NotYet(format!("{} processes, none with the marker", lines.len())),
            Err(error) => Attempt::NotYet(error.to_string()),
        }
    });
    seen.await.map_err(|error| format!("the control program's arguments: {error}"))?;
    Ok(control)
}

/// A running instance has been listed at least once: one that was just being started again is waited for.
async fn listed(running: &RunningStack, instance: &str) -> Result<(), NotReached> {
    let looked = poll::until(LISTED_WITHIN, || async {
        if running.processes().of(instance).0 > 0 {
            return Attempt::Ready(());
        }
        match running.runner().processes(instance).await {
            Ok(lines) => {
                running.processes().keep(instance, lines);
                Attempt::Ready(())
            }
            Err(error) => Attempt::NotYet(error.to_string()),
        }
    });
    looked.await
}
