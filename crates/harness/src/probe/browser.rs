//! The story as a browser sees it.

use crate::{
    observation::{Browser, Seen},
    running::RunningStack,
};

/// Looks.
#[expect(clippy::unused_async, reason = "nothing is looked at yet")]
pub async fn observe(_running: &RunningStack) -> Seen<Browser> {
    Ok(Browser::default())
}
