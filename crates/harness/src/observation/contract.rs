//! What the documents promise, and what is true of it, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Seen;

/// What the documents promise.
#[derive(Clone, Debug)]
pub struct Contract {
    /// Settings: in the example, in the definition, in the services.
    pub environment: Seen<Environment>,
    /// The `OpenAPI` document, as the api serves it.
    pub document: Seen<Value>,
    /// Paths that the document does not have: what each answered.
    pub made_up: BTreeMap<String, Seen<u16>>,
    /// What a fuzzer found that knows the document.
    pub fuzz: Seen<Tried>,
}

/// Settings: in the example, in the definition, in the services.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Every variable that the definition's files take, container images aside.
    pub taken: Vec<Setting>,
    /// Every variable of `.env.example`.
    pub example: Vec<Setting>,
    /// Every environment variable of every service as it is when nobody sets anything.
    pub by_default: Vec<Setting>,
    /// By service: what it is given and what it read. Services that are not ours say nothing of it.
    pub services: BTreeMap<String, Option<Seen<GivenAndRead>>>,
    /// Files in git's index that hold, or by their name would hold, a secret; none where there is no index.
    pub tracked: Option<Seen<Vec<String>>>,
}

/// A variable and its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its default; empty where it has none.
    pub default: String,
    /// Where it stands, such as `compose.yaml:12`.
    pub place: String,
    /// There is a line of explanation above it.
    pub explained: bool,
}

/// What one service is given and what it read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenAndRead {
    /// Names of its environment variables in the definition.
    pub given: BTreeSet<String>,
    /// Names of the settings that it asked for.
    pub read: BTreeSet<String>,
}

/// A fuzzer, where there is one.
#[derive(Clone, Debug)]
pub enum Tried {
    /// There is none; how to get it.
    Without(String),
    /// What it found.
    Fuzzed(Fuzz),
}

/// What a fuzzer found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fuzz {
    /// The seed, with which it finds the same again.
    pub seed: u64,
    /// How many requests it thought of.
    pub cases: u64,
    /// How many operations it tried, and how many it should have.
    pub tried: (u64, u64),
    /// What was wrong, with the operations.
    pub found: Vec<String>,
    /// Commands that show it again, without credentials.
    pub again: Vec<String>,
}
