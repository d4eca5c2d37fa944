//! `shakedown load`: the images under the names that `docker compose -f compose/compose.yaml up` looks for.

use harness::{engine::Engine, images::Images, verdict::exit};

use super::{Failure, repository};
use crate::{args, progress};

/// The tag that compose.yaml names where nothing else is said.
const TAG: &str = "dev";

pub(crate) async fn run(load: args::ImagesArgs) -> Result<u8, Failure> {
    let repository = repository()?;
    let images = Images::open(&load.folder(&repository))?;
    images.refuse_stale(&repository)?;
    let engine = Engine::connect().await?;
    let events = progress::shown();
    let loaded = events.step("load images", images.load(&engine.docker)).await?;
    images.tag(&engine.docker, TAG).await?;
    let count = images.manifest.images.len();
    progress::say(&format!(
        "{count} container images are loaded ({} of them now) and tagged `{TAG}`",
        loaded.len()
    ));
    Ok(exit::PASS)
}
