//! What the documents promise.

use crate::{
    observation::{Contract, Seen},
    running::RunningStack,
};

/// Looks.
#[expect(clippy::unused_async, reason = "nothing is looked at yet")]
pub async fn observe(_running: &RunningStack) -> Seen<Contract> {
    Ok(Contract::default())
}
