//! What was seen of an output that expires.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use time::OffsetDateTime;

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
    /// How another output's link was followed while it lived. None: it was not.
    pub link: Option<LivingLink>,
    /// What the volume held while another output lived. None: nobody looked.
    pub at_rest: Option<Seen<AtRest>>,
    /// What it held of the expired one when that was gone; the object is that of the other, which lives. None: nobody
    /// looked.
    pub at_rest_after: Option<Seen<AtRest>>,
}

/// How a link was followed while it lived; what was answered is in the story, by the same steps.
#[derive(Clone, Debug, Default)]
pub struct LivingLink {
    /// Its end by its own words, in Unix seconds.
    pub expires: i64,
    /// When each request was sent, by its step.
    pub sent_at: BTreeMap<&'static str, OffsetDateTime>,
    /// What was asked for in those steps that wanted a part.
    pub ranges: Vec<AskedRange>,
}

/// A range that a link was asked for.
#[derive(Clone, Debug)]
pub struct AskedRange {
    /// The step in which it was.
    pub step: &'static str,
    /// As the header says it.
    pub asked: String,
    /// Which bytes of the whole that is. None: the picture has none of them.
    pub part: Option<Range<usize>>,
}
