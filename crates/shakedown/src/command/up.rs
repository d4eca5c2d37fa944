//! `shakedown up`.

use std::{path::PathBuf, time::Instant};

use harness::{
    gate,
    images::Images,
    platform::{Platform, RunnerKind},
    reaper::{self, Lease, Owned, Volumes},
    report::{self, Report},
    run::{OWNER_NOBODY, Owner, Run, RunId},
    runner::{HostPorts, Pace, Plan},
    running::{Brought, public_origin},
    verdict::exit,
};
use time::OffsetDateTime;

use super::{Failure, SHAKEDOWN, interrupted, repository, run_id};
use crate::{
    args,
    progress::{self, say, style},
};

pub(crate) async fn run(up: args::Up) -> Result<u8, Failure> {
    let repository = repository()?;
    let images = up.images.folder(&repository);
    let manifest = Images::open(&images)?;
    let stack = up.definition.definition(&repository).read(&manifest.variables())?;
    let secrets = gate::local_secrets(&stack).map_err(Failure::usage)?;
    let events = progress::shown();
    let wanted = up.runner.map(RunnerKind::from);
    let (platform, images) = gate::prepare(&images, &repository, wanted, &events).await?;

    let id = run_id(up.run.as_deref())?;
    let found = reaper::runs(&platform).await.map_err(Failure::not_up)?;
    if found.iter().any(|run| run.id == id) {
        return Err(Failure::usage(format!(
            "run `{id}` is up already; `{SHAKEDOWN} down --run {id}` takes it down"
        )));
    }
    let kept = platform.runner() == RunnerKind::Containers;
    let (folder, owner, data) = if kept {
        (repository.join("target/shakedown").join(id.name_of("run")), OWNER_NOBODY.to_owned(), None)
    } else {
        // A socket's path must be short, and whoever runs the programs may not be let into the repository.
        let folder = std::env::temp_dir().join(id.name_of("run"));
        (folder, Owner::this_process().as_str().to_owned(), Some(data_of(&id)))
    };
    let run = Run::begin_at(id, &folder, &owner)
        .map_err(|error| Failure::not_up(format!("the run's folder could not be made: {error}")))?;
    let plan =
        Plan { run, secrets, authority: None, ports: HostPorts::AsDefined, pace: Pace::Together, data };
    let origin = public_origin(&stack).map(str::to_owned);
    let (start, started_at) = (Instant::now(), OffsetDateTime::now_utc());
    // Until it is up, it is as mortal as this process; its data is not.
    let lease = Lease::take(&plan.run, Volumes::Keep)
        .map_err(|error| Failure::not_up(format!("the run's reaper could not be started: {error}")))?;
    let brought = gate::start(stack, plan, platform, images, Some(lease), &events).await?;
    if brought.bring_up.failure.is_some() {
        let search = brought.running.search();
        let report = Report::of_bring_up(&brought, started_at, start.elapsed()).sealed(&search, 0);
        say(&report::summary(&report, style()));
        end(brought).await?;
        return Ok(exit::NOT_UP);
    }
    let id = brought.running.plan().run.id.clone();
    say(&format!("The stack is up as run `{id}`."));
    if let Ok(origin) = origin {
        say(&format!("  open:  {origin}"));
        say(&format!("  api:   {origin}/api/v1/openapi.json"));
    }
    say(&format!("  logs:  {SHAKEDOWN} logs --run {id} --follow"));
    if kept {
        say(&format!("  down:  {SHAKEDOWN} down --run {id}"));
        brought.running.keep();
        return Ok(exit::PASS);
    }
    say(&format!("  data:  {}", data_of(&id).display()));
    say("  down:  Ctrl-C");
    interrupted().await;
    end(brought).await?;
    say(&format!(
        "run `{id}` was taken down, and its data kept (`{SHAKEDOWN} down --run {id} --volumes` removes it)"
    ));
    Ok(exit::PASS)
}

/// Takes down what runs, and leaves its data.
async fn end(brought: Brought) -> Result<(), Failure> {
    let Brought { running, platform, .. } = brought;
    if matches!(platform, Platform::Machine) {
        return Ok(running.teardown().await?);
    }
    let run = &running.plan().run;
    let owned = Owned::by(&run.id, &run.marker);
    reaper::remove(&platform, &owned, Volumes::Keep, &run.folder).await.map_err(Failure::not_up)?;
    running.keep();
    Ok(())
}

/// Where the data of a stack of processes stays, a restart of the machine included.
pub(super) fn data_of(id: &RunId) -> PathBuf {
    PathBuf::from("/var/tmp").join(id.name_of("data"))
}
