//! `shakedown bench`: what is measured, always as ratios of what was seen in one run.

mod bring_up;
mod load;

use super::Failure;
use crate::args::{self, Subject};

pub(crate) async fn run(bench: args::Bench) -> Result<u8, Failure> {
    match bench.subject {
        Subject::BringUp => bring_up::run(bench).await,
        Subject::Load => load::run(bench).await,
    }
}
