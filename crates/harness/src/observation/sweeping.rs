//! What was seen of outputs that ended while no worker ran.

use std::{collections::BTreeMap, time::Duration};

use super::Story;

/// Outputs that were read, lived through restarts, and ended while nobody swept.
#[derive(Clone, Debug, Default)]
pub struct Sweeping {
    /// Its steps `ended.N` are what the api said of each output after its end.
    pub story: Story,
    /// How many outputs there were.
    pub outputs: usize,
    /// How far the end of each output had moved, in seconds, after reads and restarts.
    pub moved_s: Vec<f64>,
    /// Rows and objects that were there after the end of all, before the worker came back.
    pub backlog: Option<Leftover>,
    /// How long after the worker came back nothing of them was left.
    pub swept_after: Option<Duration>,
    /// What was left of them when the grace was over.
    pub left: Leftover,
    /// The keys of Redis but the queue itself, by the first part of their names, while a photo waited for the worker.
    pub keys: BTreeMap<String, Keys>,
}

/// What there is of outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leftover {
    /// Their rows.
    pub rows: usize,
    /// Their objects.
    pub objects: usize,
}

/// Keys of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// How many there are.
    pub all: usize,
    /// Those of them that never end by themselves.
    pub lasting: usize,
}
