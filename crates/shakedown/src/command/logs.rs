//! `shakedown logs`.

use harness::{
    event::Events,
    platform::Platform,
    reaper,
    runner::{LeftRunning, service_of},
    verdict::exit,
};

use super::{Failure, run_id};
use crate::{args, progress::say};

pub(crate) async fn run(logs: args::Logs) -> Result<u8, Failure> {
    let platform = Platform::find(None, &Events::ignored()).await?;
    let id = run_id(logs.run.as_deref())?;
    let runs = reaper::runs(&platform).await.map_err(Failure::not_up)?;
    let Some(found) = runs.into_iter().find(|run| run.id == id) else {
        return Err(Failure::usage(format!("run `{id}` is not up; `make dev` brings one up")));
    };
    let left = LeftRunning::attach(&platform, found);
    let all = left.instances().await?;
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
        let follow = chosen.iter().map(|instance| {
            left.follow(instance, logs.tail, move |line| {
                say(&format!("{instance:width$} │ {line}"));
            })
        });
        futures::future::try_join_all(follow).await?;
        return Ok(exit::PASS);
    }
    for instance in &chosen {
        let log = left.logs(instance, logs.tail).await?;
        for line in String::from_utf8_lossy(&log).lines() {
            say(&format!("{instance:width$} │ {line}"));
        }
    }
    Ok(exit::PASS)
}
