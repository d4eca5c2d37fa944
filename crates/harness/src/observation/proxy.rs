//! What the proxy is seen to do, as plain data.

/// What the proxy is seen to do.
#[derive(Clone, Debug, Default)]
pub struct Proxy {}
