//! What a container with a service's limits was kept from.

use std::collections::BTreeMap;

use super::Seen;
use crate::runner::State;

/// What came of the same tries under each service's limits, and under none.
#[derive(Clone, Debug)]
pub struct Hardening {
    /// Under none: whatever fails here proves nothing elsewhere.
    pub control: TriedLimits,
    /// By service.
    pub services: BTreeMap<String, Seen<TriedLimits>>,
}

/// What a user 0 was kept from.
#[derive(Clone, Debug)]
pub struct TriedLimits {
    /// Folders of the root file system that took a file.
    pub written: Vec<String>,
    /// Those that did not, each with the system's reason.
    pub refused: Vec<(String, String)>,
    /// `Cap*` and `NoNewPrivs` of its process, as the kernel tells them.
    pub status: BTreeMap<String, String>,
    /// Exit code and words of a `chown`, where it was tried.
    pub chown: Option<(i32, String)>,
    /// The user that a program of user 65534 ran as, which takes on its owner's identity where it may.
    pub identity: String,
    /// How many processes it was to start at once.
    pub processes: i64,
    /// What came of that: `all 72`, or the system's reason.
    pub started: String,
    /// How many bytes of memory it was to take at last.
    pub bytes: u64,
    /// How that ended.
    pub end: State,
}
