//! What other origins may ask of the api, as plain data.

/// What other origins may ask of the api.
#[derive(Clone, Debug, Default)]
pub struct Cors {}
