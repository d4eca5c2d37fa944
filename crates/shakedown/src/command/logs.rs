//! `shakedown logs`.

use harness::{
    engine::Engine,
    reaper,
    run::Run,
    runner::{Containers, Runner, service_of},
    verdict::exit,
};

use super::{Failure, run_id};
use crate::{args, progress::say};

pub(crate) async fn run(logs: args::Logs) -> Result<u8, Failure> {
    let engine = Engine::connect().await?;
    let id = run_id(logs.run.as_deref())?;
    let runs = reaper::runs(&engine.docker).await.map_err(Failure::not_up)?;
    let Some(found) = runs.into_iter().find(|run| run.id == id) else {
        return Err(Failure::usage(format!("run `{id}` is not up; `make dev` brings one up")));
    };
    let run = Run { id: found.id, folder: found.folder, owner: found.owner, marker: String::new() };
    let runner = Containers::attach(&engine, run);
    let all = runner.found().await?;
    if let Some(unknown) = logs.services.iter().find(|name| !all.iter().any(|i| service_of(i) == **name)) {
        let known = all.join(", ");
        return Err(Failure::usage(format!("run `{id}` has no service `{unknown}`; it has {known}")));
    }
    let chosen: Vec<&String> = all
        .iter()
        .filter(|i| logs.services.is_empty() || logs.services.iter().any(|name| name == service_of(i)))
        .collect();
    let width = chosen.iter().map(|instance| instance.len()).max().unwrap_or(0);
    if logs.follow {
        let tail = logs.tail.map_or_else(|| "all".into(), |lines| lines.to_string());
        let follow = chosen.iter().map(|instance| {
            runner.follow(instance, &tail, move |line| {
                say(&format!("{instance:width$} │ {line}"));
            })
        });
        futures::future::try_join_all(follow).await?;
        return Ok(exit::PASS);
    }
    for instance in &chosen {
        let log = runner.logs(instance, logs.tail).await?;
        for line in String::from_utf8_lossy(&log).lines() {
            say(&format!("{instance:width$} │ {line}"));
        }
    }
    Ok(exit::PASS)
}
