//! What is refused when somebody asks for too much, as plain data.

/// What is refused when somebody asks for too much.
#[derive(Clone, Debug, Default)]
pub struct Limits {}
