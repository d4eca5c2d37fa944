//! Who may do what, and what gives it away.

use crate::{
    observation::{Auth, Seen},
    running::RunningStack,
};

/// Looks.
#[expect(clippy::unused_async, reason = "nothing is looked at yet")]
pub async fn observe(_running: &RunningStack) -> Seen<Auth> {
    Ok(Auth::default())
}
