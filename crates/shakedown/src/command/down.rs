//! `shakedown down`.

use harness::{
    event::Events,
    platform::Platform,
    reaper::{self, Owned, Volumes},
    run::RunId,
    verdict::exit,
};

use super::{Failure, run_id, up::data_of};
use crate::{args, progress::say};

pub(crate) async fn run(down: args::Down) -> Result<u8, Failure> {
    // Where no engine answers, there may still be runs of processes.
    let platform = Platform::find(None, &Events::ignored()).await?;
    let volumes = if down.volumes { Volumes::Remove } else { Volumes::Keep };
    let found = reaper::runs(&platform).await.map_err(Failure::not_up)?;
    let wanted = if down.all { None } else { Some(run_id(down.run.as_deref())?) };
    let chosen: Vec<_> =
        found.into_iter().filter(|run| wanted.as_ref().is_none_or(|id| run.id == *id)).collect();
    if chosen.is_empty() {
        say(&match &wanted {
            Some(id) => format!("run `{id}` is not up"),
            None => "nothing is up".into(),
        });
    }
    for run in &chosen {
        run.end(&platform, volumes).await.map_err(Failure::not_up)?;
        let data = match volumes {
            Volumes::Remove => "and its data removed",
            Volumes::Keep => "and its data kept (`--volumes` removes it)",
        };
        say(&format!("run `{}` was taken down, {data}", run.id));
    }
    if down.volumes {
        for id in chosen.iter().map(|run| &run.id).chain(&wanted) {
            remove_data(&platform, id).await?;
        }
    }
    Ok(exit::PASS)
}

/// Removes what a run that was taken down before, or one of processes, has left on purpose.
async fn remove_data(platform: &Platform, id: &RunId) -> Result<(), Failure> {
    if let Platform::Engine(engine) = platform {
        reaper::sweep(&engine.docker, &Owned::of(id), Volumes::Remove).await.map_err(Failure::not_up)?;
    }
    let data = data_of(id);
    match std::fs::remove_dir_all(&data) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::not_up(format!("{}: {error}", data.display())))
        }
        _ => Ok(()),
    }
}
