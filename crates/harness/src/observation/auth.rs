//! Who may do what, and what gives it away, as plain data.

/// Who may do what, and what gives it away.
#[derive(Clone, Debug, Default)]
pub struct Auth {}
