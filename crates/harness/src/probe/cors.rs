//! What other origins may ask of the api.

use crate::{
    observation::{Cors, Seen},
    running::RunningStack,
};

/// Looks.
#[expect(clippy::unused_async, reason = "nothing is looked at yet")]
pub async fn observe(_running: &RunningStack) -> Seen<Cors> {
    Ok(Cors::default())
}
