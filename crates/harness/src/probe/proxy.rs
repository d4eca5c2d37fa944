//! What the proxy is seen to do.

use crate::{
    observation::{Proxy, Seen},
    running::RunningStack,
};

/// Looks.
#[expect(clippy::unused_async, reason = "nothing is looked at yet")]
pub async fn observe(_running: &RunningStack) -> Seen<Proxy> {
    Ok(Proxy::default())
}
