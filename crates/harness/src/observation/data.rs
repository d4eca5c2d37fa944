//! Whether what the rows say and what the store keeps are the same, whatever happened in between.

use std::{collections::BTreeSet, time::Duration};

use super::Seen;
use crate::probe::http::Exchange;

/// What was seen of rows and objects while things went wrong. None: nobody came to look.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// An object, or a row, is removed behind the services' back.
    pub behind: Option<Seen<Behind>>,
    /// A message of the queue comes more than once.
    pub repeated: Option<Seen<Repeated>>,
    /// A job whose worker died as often as it may.
    pub given_up: Option<Seen<GivenUp>>,
    /// Workers are killed in the middle of what they do.
    pub killed: Option<Seen<Killed>>,
    /// Every service is stopped and started.
    pub redeployed: Option<Seen<Redeployed>>,
    /// Rows and objects once what dead workers left was put right.
    pub settled: Option<Seen<Agreement>>,
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

/// What became of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobEnd {
    /// Its id.
    pub job: String,
    /// `done`, `failed`, or what it still is.
    pub state: String,
    /// Why it failed, in words for people.
    pub failure: Option<String>,
    /// The output that the job's row names.
    pub output: Option<String>,
    /// The rows of outputs that name the job.
    pub rows: BTreeSet<String>,
    /// Those of them that have an object.
    pub objects: usize,
}

/// A job whose message came more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repeated {
    /// How often it came besides, before and after its job had ended.
    pub copies: (usize, usize),
    /// Its end, before the copies that came after it.
    pub before: JobEnd,
    /// Its end, once those were dealt with as well.
    pub after: JobEnd,
    /// Messages of it that are still in the queue.
    pub left: usize,
    /// Objects without a row that were not there before.
    pub orphans: Vec<String>,
}

/// A job whose worker died each time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// How often it had been begun: as often as the definition allows.
    pub begun: u32,
    /// Its end.
    pub end: JobEnd,
    /// Messages of it that are still in the queue.
    pub left: usize,
}

/// Jobs whose workers were killed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Killed {
    /// From which the moments were drawn.
    pub seed: u64,
    /// How long after they were back the workers were killed again. The first time, a job was seen to be under way.
    pub moments: Vec<Duration>,
    /// How many jobs each of the kills met: begun by then, and ended by nobody.
    pub met: Vec<usize>,
    /// Every job of that time.
    pub jobs: Vec<JobEnd>,
}

/// What somebody finds of their outputs after something befell the whole stack.
#[derive(Clone, Debug)]
pub struct FoundAgain {
    /// Outputs that were there before and are to live on.
    pub before: BTreeSet<String>,
    /// Outputs that are listed now.
    pub after: BTreeSet<String>,
    /// Of those that were there before, the ones whose bytes are the same by a new link.
    pub same: BTreeSet<String>,
    /// An output whose life ended meanwhile.
    pub ended: String,
    /// What its description answers now.
    pub ended_answer: Seen<u16>,
    /// How long after everybody was back its object was gone. None: it is still there when the grace is over.
    pub ended_gone_after: Option<Duration>,
}

/// What people find after every service was stopped and started.
#[derive(Clone, Debug)]
pub struct Redeployed {
    /// How many instances were stopped.
    pub instances: usize,
    /// Logging in again.
    pub login: Seen<u16>,
    /// Outputs, for whoever could log in.
    pub outputs: Seen<FoundAgain>,
    /// The life of the one that ended meanwhile ended between the last stop and the first start, by the database's clock.
    pub ended_while_away: bool,
}

/// What people find after a backup was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Logging in, of somebody who had an account when the backup was made.
    pub login: Seen<u16>,
    /// The same of somebody who came after that.
    pub later_login: Seen<u16>,
    /// Outputs that were there when the backup was made; one of those that are to live on was deleted after it.
    pub outputs: Seen<FoundAgain>,
    /// Another output can be made.
    pub works: Seen<()>,
    /// Rows and objects after all that.
    pub agreement: Agreement,
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
