//! What was seen of an output that expires.

use std::time::Duration;

use super::{AtRest, Seen, Story};

/// What was seen of an output around the end of its life.
#[derive(Clone, Debug, Default)]
pub struct Expiry {
    /// Its exchanges; `before.*` lie before the moment, `after.*` behind it.
    pub story: Story,
    /// How long before its expiry the `before.*` steps were all answered. None: the moment was missed.
    pub margin_before: Option<Duration>,
    /// How long after expiry the row was gone. None: still there when the grace was over.
    pub row_gone_after: Option<Duration>,
    /// How long after expiry the object was gone. None: still there when the grace was over.
    pub object_gone_after: Option<Duration>,
    /// The row was there before expiry, so that its absence means something.
    pub row_was_there: bool,
    /// The object was there before expiry.
    pub object_was_there: bool,
    /// What the volume held while another output lived. None: nobody looked.
    pub at_rest: Option<Seen<AtRest>>,
    /// What it held of the expired one when that was gone; the object is that of the other, which lives. None: nobody
    /// looked.
    pub at_rest_after: Option<Seen<AtRest>>,
}
