//! The story as a browser sees it, as plain data.

/// The story as a browser sees it.
#[derive(Clone, Debug, Default)]
pub struct Browser {}
