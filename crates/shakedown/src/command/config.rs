//! `shakedown config`.

use std::collections::BTreeMap;

use harness::{images::Images, verdict::exit};

use super::{Failure, repository};
use crate::{args, progress::say};

pub(crate) fn run(config: &args::Config) -> Result<u8, Failure> {
    let repository = repository()?;
    // Images that are not built yet leave the definition's own names in.
    let variables = Images::open(&config.images.folder(&repository)).map(|images| images.variables());
    let variables: BTreeMap<_, _> = variables.unwrap_or_default();
    let stack = config.definition.definition(&repository).read(&variables)?;
    let json = serde_json::to_string_pretty(&stack);
    say(&json.map_err(|error| Failure::usage(error.to_string()))?);
    Ok(exit::PASS)
}
