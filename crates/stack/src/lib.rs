//! Compose file to [`Stack`]: plain data, with the place of each error.

mod model;

pub use model::*;
