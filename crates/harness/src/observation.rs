//! Observations: what was seen of a running stack, as plain data that checks are held against.

mod at_rest;
mod auth;
mod browser;
mod contract;
mod cors;
mod data;
mod expiry;
mod hardening;
mod image;
mod inputs;
mod limits;
mod proxy;
mod sweeping;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use indexmap::IndexMap;

pub use at_rest::AtRest;
pub use auth::{
    Auth, Difference, Measured, Pair, Role as AuthRole, Row as AuthRow, SetCookie, StoredHash, Told, Twins,
    difference,
};
pub use browser::{Browser, Fetched, Page};
pub use contract::{Contract, Environment, Fuzz, GivenAndRead, Setting, Tried};
pub use cors::{Cors, CorsOf, CorsRow, Preflight};
pub use data::{
    Agreement, Behind, Data, FoundAgain, GivenUp, JobEnd, Killed, Redeployed, Repeated, Restored,
};
pub use expiry::{AskedRange, Expiry, LivingLink};
pub use hardening::{Hardening, TriedLimits};
pub use image::{BillOfMaterials, ContainerImages, Entry, EntryKind, ImageArchive, Program};
pub use inputs::{Cores, Delivered, Inputs, Waiting};
pub use limits::{Flood, Limits, Slow, Tally};
pub use proxy::{
    Admin, Asset, Certificate, Compared, Crawl, Distrust, Greeted, HelloAnswer, HostPort, Identified, Kind,
    Look, Places, Proxy, Redirected, Replicas, Row,
};
pub use sweeping::{Keys, Leftover, Sweeping};

use crate::{
    canary::Finding,
    platform::RunnerKind,
    probe::http::{Answer, Exchange},
    runner::{BringUp, State},
};

/// What was seen, or why it could not be seen. The second is never taken for a pass.
pub type Seen<T> = Result<T, String>;

/// An observation and how long it took.
#[derive(Clone, Debug)]
pub struct Timed<T> {
    /// What was seen.
    pub seen: Seen<T>,
    /// How long it took.
    pub took: Duration,
}

impl<T> Timed<T> {
    /// Runs an observation and takes its time.
    pub async fn of(observation: impl Future<Output = Seen<T>>) -> Self {
        let start = Instant::now();
        let seen = observation.await;
        Self { seen, took: start.elapsed() }
    }

    /// An observation that was not made.
    pub fn missing(why: &str) -> Self {
        Self { seen: Err(why.into()), took: Duration::ZERO }
    }
}

/// Everything that was seen of one run.
#[derive(Clone, Debug)]
pub struct Observations {
    /// How the stack was run.
    pub runner: RunnerKind,
    /// How bring-up went.
    pub bring_up: BringUp,
    /// What is in the archives of the container images.
    pub images: Timed<ContainerImages>,
    /// What a container with a service's limits is kept from.
    pub hardening: Timed<Hardening>,
    /// The engine's view of every instance once all were up.
    pub states: BTreeMap<String, Seen<State>>,
    /// The same after the stories, before anything was taken away.
    pub states_later: BTreeMap<String, Seen<State>>,
    /// The settle window.
    pub settle: Timed<BTreeMap<String, Settle>>,
    /// `/health` of the services that say what they think of their dependencies, while all is well, by instance.
    pub live: BTreeMap<String, Seen<Answer>>,
    /// `/ready` of the same, by instance.
    pub ready: BTreeMap<String, Seen<Answer>>,
    /// The database's schema.
    pub schema: Timed<Schema>,
    /// The story of two people and one who is none.
    pub smoke: Timed<Story>,
    /// The story of an output that expires.
    pub expiry: Timed<Expiry>,
    /// What becomes of photos by every road.
    pub inputs: Timed<Inputs>,
    /// Whether rows and objects agree, whatever happens.
    pub data: Timed<Data>,
    /// What people find after a backup was restored.
    pub restored: Timed<Restored>,
    /// What the proxy is seen to do.
    pub proxy: Timed<Proxy>,
    /// Outputs that end while no worker runs.
    pub sweeping: Timed<Sweeping>,
    /// What happened while a replica went away and came back.
    pub replicas: Timed<Replicas>,
    /// What other origins may ask of the api.
    pub cors: Timed<Cors>,
    /// Who may do what, and what gives it away.
    pub auth: Timed<Auth>,
    /// What is refused when somebody asks for too much.
    pub limits: Timed<Limits>,
    /// What the documents promise.
    pub contract: Timed<Contract>,
    /// The story as a browser sees it.
    pub browser: Timed<Browser>,
    /// What happened when a dependency went away and came back, by dependency.
    pub outages: BTreeMap<String, Timed<Outage>>,
    /// What happened to services that were started before what they depend on.
    pub late: Timed<Late>,
    /// Every exchange that clients of the run had, in the order of arrival.
    pub heard: Vec<Exchange>,
    /// What each surface held.
    pub surfaces: Timed<Vec<Surface>>,
}

impl Observations {
    /// What is known when nothing was looked at beyond bring-up.
    pub fn of_bring_up(bring_up: BringUp, why: &str) -> Self {
        Self {
            runner: RunnerKind::default(),
            bring_up,
            images: Timed::missing(why),
            hardening: Timed::missing(why),
            states: BTreeMap::new(),
            states_later: BTreeMap::new(),
            settle: Timed::missing(why),
            live: BTreeMap::new(),
            ready: BTreeMap::new(),
            schema: Timed::missing(why),
            smoke: Timed::missing(why),
            expiry: Timed::missing(why),
            inputs: Timed::missing(why),
            data: Timed::missing(why),
            restored: Timed::missing(why),
            proxy: Timed::missing(why),
            sweeping: Timed::missing(why),
            replicas: Timed::missing(why),
            cors: Timed::missing(why),
            auth: Timed::missing(why),
            limits: Timed::missing(why),
            contract: Timed::missing(why),
            browser: Timed::missing(why),
            outages: BTreeMap::new(),
            late: Timed::missing(why),
            heard: Vec::new(),
            surfaces: Timed::missing(why),
        }
    }
}

/// How one instance fared in the settle window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settle {
    /// How often it was looked at.
    pub looks: u32,
    /// How often it was ready.
    pub ready: u32,
    /// What was seen when it was not.
    pub last_not_ready: Option<String>,
    /// Restarts since its creation, at the end.
    pub restarts: u32,
    /// What the engine's own health check said at the end.
    pub health: Option<String>,
}

/// The database's schema, as the database and as the program see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The newest migration that the database says was applied.
    pub applied: i64,
    /// Migrations that were begun and not finished.
    pub unfinished: i64,
    /// The newest migration that the running api was built with.
    pub built_with: i64,
}

/// A story told over HTTP: its steps by name, in order, and facts that were worked out on the way.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Every step that was reached.
    pub steps: IndexMap<String, Exchange>,
    /// Facts, each true or false with what was seen.
    pub facts: BTreeMap<String, (bool, String)>,
    /// Steps that were left out, each with the reason.
    pub left_out: BTreeMap<String, String>,
    /// Where the story broke off, if it did.
    pub broken: Option<String>,
}

/// What services said while a dependency was away.
#[derive(Clone, Debug, Default)]
pub struct Outage {
    /// By instance.
    pub seen_by: BTreeMap<String, OutageSeenBy>,
}

/// What one service said while a dependency was away.
#[derive(Clone, Debug)]
pub struct OutageSeenBy {
    /// The red `/ready`, and how long after the dependency went away it was asked for.
    pub red: Seen<(Answer, Duration)>,
    /// How long the slowest `/ready` took to answer.
    pub slowest: Duration,
    /// `/health` while the dependency was away.
    pub health: Seen<Answer>,
    /// How long after the dependency came back `/ready` was green.
    pub recovered: Seen<Duration>,
    /// It is the same process as before: neither restarted nor replaced.
    pub same_process: bool,
}

/// What happened to services that were started while what they depend on was away.
#[derive(Clone, Debug, Default)]
pub struct Late {
    /// `/health` of each instance while everything was away.
    pub alive: BTreeMap<String, Seen<Answer>>,
    /// How long after a dependency's start it was no longer named as down, by dependency and instance.
    pub accepted: BTreeMap<String, BTreeMap<String, Seen<Duration>>>,
    /// Restarts that were needed, by instance.
    pub restarts: BTreeMap<String, u32>,
}

/// A place where a secret might show, and what was found there.
#[derive(Clone, Debug)]
pub struct Surface {
    /// The check it belongs to, such as `secrets.logs.api`.
    pub check: String,
    /// Which part of it, such as `api` or `GET /api/v1/images (list)`.
    pub part: String,
    /// How many bytes were read, or why none could be.
    pub bytes: Seen<usize>,
    /// The control marker was found, so the collector really reads this surface.
    pub marker: bool,
    /// Canaries that were found.
    pub findings: Vec<Finding>,
}
