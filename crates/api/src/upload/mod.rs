//! Uploads: the form, its idempotency key, and how many of one account are received at once.

mod form;
mod once;
mod slot;
#[cfg(test)]
mod tests;

pub(crate) use form::{FORM_OVERHEAD_BYTES, Upload, UploadLimits, too_large};
pub(crate) use once::{Claimed, HEADER as IDEMPOTENCY_KEY, claim};
pub(crate) use slot::{Slot, take_slot};

use std::time::Duration;

/// What stands in Redis for an upload that is being received outlives every upload (see `UPLOAD_WITHIN`), and is
/// over soon after an api died in the middle of one.
const LEASE: Duration = Duration::from_secs(100);
