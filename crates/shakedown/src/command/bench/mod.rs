//! `shakedown bench`: what is measured, always as ratios of what was seen in one run.

mod bring_up;
mod expiry;
mod load;

use super::Failure;
use crate::args::{self, Subject};

pub(crate) async fn run(bench: args::Bench) -> Result<u8, Failure> {
    match bench.subject {
        Subject::BringUp => bring_up::run(bench).await,
        Subject::Expiry => expiry::run(bench).await,
        Subject::Load => load::load(bench).await,
        Subject::Sweep => load::sweep(bench).await,
    }
}

/// The middle one, which one odd round does not move; no number where there is none.
fn median(ratios: &mut [f64]) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
}
