//! `shakedown down`.

use harness::{
    engine::Engine,
    reaper::{self, Owned, Volumes},
    run,
    verdict::exit,
};

use super::{Failure, run_id};
use crate::{args, progress::say};

pub(crate) async fn run(down: args::Down) -> Result<u8, Failure> {
    let engine = Engine::connect().await?;
    let volumes = if down.volumes { Volumes::Remove } else { Volumes::Keep };
    let found = reaper::runs(&engine.docker).await.map_err(Failure::not_up)?;
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
        reaper::sweep(&engine.docker, &Owned::of(&run.id), volumes).await.map_err(Failure::not_up)?;
        let _ = run::remove_folder(&run.folder);
        let data = match volumes {
            Volumes::Remove => "and its data removed",
            Volumes::Keep => "and its data kept (`--volumes` removes it)",
        };
        say(&format!("run `{}` was taken down, {data}", run.id));
    }
    if let (true, Some(id)) = (down.volumes && chosen.is_empty(), &wanted) {
        // Its containers may have been taken down before, its data not.
        reaper::sweep(&engine.docker, &Owned::of(id), volumes).await.map_err(Failure::not_up)?;
    }
    Ok(exit::PASS)
}
