//! `shakedown compare`: are two builds of the container images the same bytes?

use harness::{images::Images, images::compare::compare, verdict::exit};

use super::Failure;
use crate::{args, progress};

pub(crate) async fn run(folders: args::Compare) -> Result<u8, Failure> {
    let (one, other) = (Images::open(&folders.one)?, Images::open(&folders.other)?);
    let compared = tokio::task::spawn_blocking(move || compare(&one, &other));
    let comparisons = compared.await.map_err(Failure::not_up)??;
    let mut differ = 0;
    for comparison in comparisons {
        match comparison.outcome {
            Ok(digest) => progress::say(&format!("same    {:<9} sha256:{digest}", comparison.image)),
            Err(difference) => {
                differ += 1;
                progress::say(&format!("DIFFERS {:<9} {difference}", comparison.image));
            }
        }
    }
    Ok(if differ == 0 { exit::PASS } else { exit::FAIL })
}
