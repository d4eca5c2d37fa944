//! Whether what the rows say and what the store keeps are the same, whatever happened in between.

use std::time::Duration;

use super::Seen;
use crate::probe::http::Exchange;

/// What was seen of rows and objects while things went wrong. None: nobody came to look.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// An object, or a row, is removed behind the services' back.
    pub behind: Option<Seen<Behind>>,
    /// Rows and objects at the end of all that happened.
    pub agreement: Option<Seen<Agreement>>,
}

/// What people are told of outputs of which half is missing.
#[derive(Clone, Debug, Default)]
pub struct Behind {
    /// Requests about an output without its object: its link, its description, the list, its deletion.
    pub object: Vec<Exchange>,
    /// Requests about an output without its row: its link, its description, the list, its deletion, its job.
    pub row: Vec<Exchange>,
    /// The output without its row.
    pub orphan: String,
    /// Its object was there while its row was.
    pub orphan_was_there: bool,
}

/// Rows and objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Outputs that are alive.
    pub rows: usize,
    /// Those of them without an object.
    pub without_object: Vec<String>,
    /// Objects of outputs.
    pub objects: usize,
    /// Those of them without a row.
    pub without_row: Vec<String>,
    /// How long it took until they agreed, or was waited for that.
    pub within: Duration,
}
