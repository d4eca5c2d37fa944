//! What the documents promise, as plain data.

/// What the documents promise.
#[derive(Clone, Debug, Default)]
pub struct Contract {}
