//! `shakedown screenshots`.

use harness::{images::Images, screenshots, verdict::exit};

use super::{Failure, repository};
use crate::{
    args,
    progress::{self, say},
};

pub(crate) async fn run(screenshots: args::Screenshots) -> Result<u8, Failure> {
    let repository = repository()?;
    let images = screenshots.images.folder(&repository);
    let variables = Images::open(&images)?.variables();
    let stack = screenshots.definition.definition(&repository).read(&variables)?;
    let into = screenshots.into.unwrap_or_else(|| repository.join("docs/screens"));
    let taken = screenshots::take(stack, &images, &repository, &into, &progress::shown()).await;
    for file in taken.map_err(Failure::not_up)? {
        say(&format!("took {}", file.display()));
    }
    Ok(exit::PASS)
}
