//! A backup is made, things change, and the backup is restored.

use std::time::Duration;

use stack::MountSource;

use super::{agreement, found_again::Before, output, sign_in, somebody};
use crate::{
    check::{BACKUP, RESTORE},
    dependencies::{self, instances_of},
    observation::{Restored, Seen},
    poll::{self, Attempt},
    probe::{clock::Clock, started},
    runner::{Phase, RunnerError, all_of},
    running::RunningStack,
};

/// Who was there before the backup, and who came after it.
const BEFORE: &str = "bert";
const AFTER: &str = "late";
/// Long enough that it lives while the backup is made, in seconds, and short enough to wait for.
const BRIEF_TTL: &str = "10";
/// Either of both is done within this.
const DONE_WITHIN: Duration = Duration::from_mins(1);
/// A service is ready again within this after its start.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// By itself: time is turned back for everybody.
pub async fn observe(running: &RunningStack) -> Seen<Restored> {
    let bert = sign_in(running, BEFORE).await?;
    let (_, kept) = output(&bert, super::TTL).await?;
    let (_, deleted) = output(&bert, super::TTL).await?;
    let before = Before::of(&bert, [kept, deleted.clone()].into(), BRIEF_TTL).await?;
    run_again(running, BACKUP).await?;
    let clock = Clock::of(running).await?;
    if before.ends < clock.now() {
        return Err(format!("the backup took so long that an output of {BRIEF_TTL} s was no more in it"));
    }

    let deletion = bert.delete("backup.delete", &format!("/api/v1/images/{deleted}")).await;
    if deletion.status() != Some(204) {
        // An output that is still there comes back from no backup.
        return Err(format!("{} answered {}", deletion.request, deletion.outcome()));
    }
    // None of these was there when the backup was made.
    output(&bert, super::TTL).await?;
    sign_in(running, AFTER).await?;
    clock.sleep_until(before.ends).await;

    // Whoever writes rows or objects is away meanwhile.
    let writers = writers(running);
    let restored = async {
        let stopped = all_of(writers.iter().map(|instance| running.runner().stop(instance))).await;
        stopped.map_err(|error| error.to_string())?;
        want_restore(running).await?;
        run_again(running, RESTORE).await
    };
    let restored = restored.await;
    // Whatever happened: they come back.
    let back = started::again(running, &writers, "/ready", READY_WITHIN).await;
    restored.and(back)?;

    let mut bert = somebody(running, BEFORE).await?;
    let login = bert.log_in("backup.login", None).await;
    let later = somebody(running, AFTER).await?.log_in("backup.login_later", None).await;
    let (outputs, works) = if bert.token().is_some() {
        let outputs = before.found_again(running, &bert).await;
        // Somebody goes on with it: what was restored is a stack that works.
        (outputs, output(&bert, super::TTL).await.map(drop))
    } else {
        let nobody = || "nobody could log in to look".to_owned();
        (Err(nobody()), Err(nobody()))
    };
    Ok(Restored {
        login: login.answer.map(|answer| answer.status),
        later_login: later.answer.map(|answer| answer.status),
        outputs,
        works,
        agreement: agreement::observe(running).await?,
    })
}

/// Asks for a restore by a file beside the backup: a oneshot that is only started does not turn time back.
async fn want_restore(running: &RunningStack) -> Seen<()> {
    let restore = running.service(RESTORE)?;
    let folder = restore.environment.get("BACKUP");
    let volume = restore.mounts.iter().find_map(|mount| match &mount.source {
        MountSource::Volume(name) if Some(&mount.target) == folder => Some(name),
        _ => None,
    });
    let volume = volume.ok_or_else(|| format!("`{RESTORE}` has no volume where its BACKUP is"))?;
    let asked = running.runner().toolbox(volume, &["touch", "/volume/wanted"]).await;
    asked.map(drop).map_err(|error| format!("asking for a restore: {error}"))
}

/// Every instance of the services that have the volume of the outputs, but for those that are done when they end.
fn writers(running: &RunningStack) -> Vec<String> {
    let stack = running.stack();
    let store =
        dependencies::dependencies(stack).into_iter().find(|found| found.name == dependencies::IMAGE_STORE);
    store.map(|store| store.instances(stack)).unwrap_or_default()
}

/// Starts a oneshot once more, and waits until it has ended well.
async fn run_again(running: &RunningStack, service: &str) -> Seen<()> {
    let runner = running.runner();
    let told = |error: RunnerError| error.to_string();
    for instance in instances_of(running.stack(), service) {
        let before = runner.state(&instance).await.map_err(told)?.started_at;
        runner.start(&instance).await.map_err(told)?;
        let done = poll::until(DONE_WITHIN, || async {
            match runner.state(&instance).await {
                Ok(state) if state.started_at == before => Attempt::NotYet("it was not started yet".into()),
                Ok(state) if state.phase == Phase::Exited && state.exit_code == Some(0) => Attempt::Ready(()),
                Ok(state) if state.phase == Phase::Exited => Attempt::Never(state.describe()),
                Ok(state) => Attempt::NotYet(state.describe()),
                Err(error) => Attempt::NotYet(error.to_string()),
            }
        });
        if let Err(not) = done.await {
            let log = runner.logs(&instance, Some(5)).await.unwrap_or_default();
            let log = running.search().redact(&String::from_utf8_lossy(&log));
            return Err(format!("`{instance}`: {not}; it said: {}", log.trim()));
        }
    }
    Ok(())
}
