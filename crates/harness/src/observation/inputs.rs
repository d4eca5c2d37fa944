//! What becomes of photos that people upload.

use std::{collections::BTreeMap, time::Duration};

use super::{Seen, Story};
use crate::{canary::Finding, runner::CoreLimit};

/// How marked photos went in by every road, and what of them was seen on their way.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Its facts are called `road.ROAD`.
    pub story: Story,
    /// What was delivered, by road.
    pub outputs: BTreeMap<String, Seen<Delivered>>,
    /// The keys that held a photo while its worker was away.
    pub waiting: Option<Seen<Waiting>>,
    /// What would be left of a service that died.
    pub cores: Option<Seen<Cores>>,
}

/// What processes may leave of their memory when they die.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cores {
    /// Where the kernel puts core files, or whom it hands them to: `/proc/sys/kernel/core_pattern`.
    pub pattern: String,
    /// For each instance of a service that goes on until it is told to stop, every process of it.
    pub limits: BTreeMap<String, Vec<CoreLimit>>,
}

/// A delivered picture beside its pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Its length.
    pub bytes: usize,
    /// Markers of the photo in it.
    pub markers: Vec<Finding>,
    /// Parts of the file that are not needed to show it, by name.
    pub beside_pixels: Vec<String>,
    /// The photo as it was sent, read in the same way, shows every marker and every such part.
    pub control: bool,
}

/// Where a photo waits for a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// For how long each key that holds it still lives. None: for ever.
    pub left: Vec<Option<Duration>>,
    /// The longest that the definition allows.
    pub at_most: Duration,
}
