//! What is refused when somebody asks for too much, as plain data.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{Seen, Story};
use crate::probe::http::Exchange;

/// What is refused when somebody asks for too much.
#[derive(Clone, Debug)]
pub struct Limits {
    /// In which time a limit comes back whole, as the definition says.
    pub window: Duration,
    /// One client asks without a pause.
    pub client: Seen<Flood>,
    /// Meanwhile others ask now and then: a second client, and the harness itself.
    pub apart: Seen<Tally>,
    /// The exhausted client claims in a header to be another one each time.
    pub spoofed: Seen<Flood>,
    /// The client that the exhausted one claimed to be during its flood asks.
    pub spoofed_victim: Seen<Tally>,
    /// One forwarded address asks every replica of the api without a pause.
    pub replicas: Seen<Flood>,
    /// One account asks from two clients without a pause.
    pub account: Seen<Flood>,
    /// Meanwhile another account asks from one of these clients.
    pub account_apart: Seen<Tally>,
    /// One client guesses one person's password.
    pub logins: Seen<Flood>,
    /// One account uploads without a pause what is no picture.
    pub uploads: Seen<Flood>,
    /// One account uploads pictures until it may have no more of them.
    pub quota: Seen<Flood>,
    /// Single requests, by what they are about.
    pub story: Story,
    /// Many requests at once.
    pub at_once: Seen<Tally>,
    /// Connections that send their request byte by byte: what, and how each ended.
    pub slow: BTreeMap<String, Seen<Slow>>,
    /// While these were open, others asked.
    pub slow_apart: Seen<Tally>,
}

/// Requests that were sent without a pause, up to and beyond a limit.
#[derive(Clone, Debug)]
pub struct Flood {
    /// The setting that the limit comes from.
    pub setting: String,
    /// How many requests the definition allows at once.
    pub limit: u64,
    /// In which time so many come back.
    pub window: Duration,
    /// How long it took.
    pub took: Duration,
    /// What was answered.
    pub answers: Tally,
}

/// How often each answer came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answers, by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Refusals (429 and 503) without a `Retry-After`.
    pub without_retry_after: u64,
    /// Requests without an answer, by reason.
    pub silent: BTreeMap<String, u64>,
}

/// How a connection ended that sends its request byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slow {
    /// How long it lasted. None: it was still open when its bound had long passed.
    pub cut_after: Option<Duration>,
    /// When it has to be cut.
    pub bound: Duration,
    /// The status that it was told before, where it was told one.
    pub told: Option<u16>,
}

impl Tally {
    /// Counts an exchange.
    pub fn add(&mut self, exchange: &Exchange) {
        match &exchange.answer {
            Ok(answer) => {
                *self.statuses.entry(answer.status).or_default() += 1;
                if matches!(answer.status, 429 | 503) && answer.header("retry-after").is_none() {
                    self.without_retry_after += 1;
                }
            }
            Err(why) => *self.silent.entry(why.clone()).or_default() += 1,
        }
    }

    /// How often a status came.
    pub fn of(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or_default()
    }

    /// How many answers came that are neither a refusal for too many requests nor a failure of the server.
    pub fn let_through(&self) -> u64 {
        let served = self.statuses.iter().filter(|(status, _)| **status < 500 && **status != 429);
        served.map(|(_, count)| count).sum()
    }

    /// How many were sent.
    pub fn all(&self) -> u64 {
        self.statuses.values().sum::<u64>() + self.silent.values().sum::<u64>()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answers = self.statuses.iter().map(|(status, count)| format!("{count} × {status}"));
        let silent = self.silent.iter().map(|(why, count)| format!("{count} × no answer ({why})"));
        let mut told: Vec<String> = answers.chain(silent).collect();
        if self.without_retry_after > 0 {
            told.push(format!("{} refusals without Retry-After", self.without_retry_after));
        }
        f.write_str(&if told.is_empty() { "nothing was asked".to_owned() } else { told.join(", ") })
    }
}
