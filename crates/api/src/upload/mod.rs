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

/// What stands in Redis for an upload outlives every upload, and is over soon after an api died in the middle of
/// one. Receiving ends after 90 s (`UPLOAD_WITHIN`); then the upload waits up to 20 s for its turn to be published
/// (`SEAT_WITHIN`), and Postgres and Redis take some seconds more.
const LEASE: Duration = Duration::from_secs(130);
