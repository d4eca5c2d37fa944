//! Durations as they are written out: whole milliseconds, with the unit in the field's name (`*_ms`).

use std::time::Duration;

use serde::{Serialize, Serializer};

/// A duration as whole milliseconds.
pub(crate) fn write<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    write_maybe(&Some(*duration), serializer)
}

/// A duration that may be missing, as whole milliseconds.
#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
pub(crate) fn write_maybe<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}
