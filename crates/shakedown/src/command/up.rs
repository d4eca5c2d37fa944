//! `shakedown up`.

use std::time::Instant;

use harness::{
    gate,
    images::Images,
    reaper::{self, Lease, Owned, Volumes},
    report::{self, Report},
    run::{OWNER_NOBODY, Run},
    runner::{HostPorts, Pace, Plan},
    running::public_origin,
    verdict::exit,
};
use time::OffsetDateTime;

use super::{Failure, SHAKEDOWN, repository, run_id};
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
    let (engine, images) = gate::prepare(&images, &repository, &events).await?;

    let id = run_id(up.run.as_deref())?;
    let found = reaper::runs(&engine.docker).await.map_err(Failure::not_up)?;
    if found.iter().any(|run| run.id == id) {
        return Err(Failure::usage(format!(
            "run `{id}` is up already; `{SHAKEDOWN} down --run {id}` takes it down"
        )));
    }
    let folder = repository.join("target/shakedown").join(id.name_of("run"));
    let run = Run::begin_at(id, &folder, OWNER_NOBODY)
        .map_err(|error| Failure::not_up(format!("the run's folder could not be made: {error}")))?;
    let plan = Plan { run, secrets, authority: None, ports: HostPorts::AsDefined, pace: Pace::Together };
    let origin = public_origin(&stack).map(str::to_owned);
    let (start, started_at) = (Instant::now(), OffsetDateTime::now_utc());
    let docker = engine.docker.clone();
    // Until it is up, it is as mortal as this process; its data is not.
    let lease = Lease::take(&plan.run, Volumes::Keep)
        .map_err(|error| Failure::not_up(format!("the run's reaper could not be started: {error}")))?;
    let brought = gate::start(stack, plan, engine, images, Some(lease), &events).await?;
    let search = brought.running.search();
    if brought.bring_up.failure.is_some() {
        let report = Report::of_bring_up(&brought, started_at, start.elapsed()).sealed(&search, 0);
        say(&report::summary(&report, style()));
        let run = &brought.running.plan().run;
        reaper::sweep(&docker, &Owned::by(&run.id, &run.marker), Volumes::Keep)
            .await
            .map_err(Failure::not_up)?;
        brought.running.keep();
        return Ok(exit::NOT_UP);
    }
    let id = &brought.running.plan().run.id;
    say(&format!("The stack is up as run `{id}`."));
    if let Ok(origin) = origin {
        say(&format!("  open:  {origin}"));
        say(&format!("  api:   {origin}/api/v1/openapi.json"));
    }
    say(&format!("  logs:  {SHAKEDOWN} logs --run {id} --follow"));
    say(&format!("  down:  {SHAKEDOWN} down --run {id}"));
    brought.running.keep();
    Ok(exit::PASS)
}
