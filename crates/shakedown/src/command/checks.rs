//! `shakedown checks`.

use std::collections::BTreeMap;

use harness::{check, verdict::exit};

use super::{Failure, repository};
use crate::{args, progress::say};

pub(crate) fn run(definition: &args::DefinitionArgs) -> Result<u8, Failure> {
    let stack = definition.definition(&repository()?).read(&BTreeMap::new())?;
    for check in check::checks(&stack) {
        say(&format!("{:<32} {}", check.id, check.claim));
    }
    Ok(exit::PASS)
}
