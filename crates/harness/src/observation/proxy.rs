//! What the proxy is seen to do, as plain data.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use super::Seen;
use crate::{html::UsedAs, probe::http::Answer};

/// What the proxy is seen to do.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The origin that people come to, such as `https://shakedown.localhost:8443`.
    pub public_origin: String,
    /// What it answers to first messages of TLS, by the version that was offered.
    pub versions: Seen<Vec<Greeted>>,
    /// What it answers to a client that has only weak cipher suites.
    pub weak_suites: Seen<HelloAnswer>,
    /// What it proves itself with.
    pub certificate: Seen<Certificate>,
    /// What the plain port answers.
    pub redirects: Seen<Vec<Redirected>>,
    /// Answers of every kind that people get.
    pub looks: Seen<Vec<Look>>,
    /// Everything that pages refer to.
    pub crawl: Seen<Crawl>,
    /// What is not for the outside, asked for in every spelling, by its name.
    pub closed: BTreeMap<&'static str, Seen<Vec<Row>>>,
    /// Where Caddy's admin API usually is, seen from the proxy's neighbours.
    pub admin: Seen<Admin>,
    /// What the engine publishes on the host, by instance.
    pub published: BTreeMap<String, Seen<Vec<HostPort>>>,
    /// Requests with and without an id of their own.
    pub request_ids: Seen<Vec<Identified>>,
    /// Requests that claim to have come another way than they did.
    pub forwarded: Seen<Vec<Compared>>,
    /// Requests under a foreign name.
    pub hosts: Seen<Vec<Row>>,
    /// Where the proxy could keep a body.
    pub places: Seen<Places>,
}

/// One request of a matrix, and what came back.
#[derive(Clone, Debug)]
pub struct Row {
    /// The request, for people.
    pub asked: String,
    /// The answer, or why there was none.
    pub answer: Seen<Answer>,
}

impl AsRef<Row> for Row {
    fn as_ref(&self) -> &Row {
        self
    }
}

impl AsRef<Row> for Redirected {
    fn as_ref(&self) -> &Row {
        &self.row
    }
}

impl AsRef<Row> for Look {
    fn as_ref(&self) -> &Row {
        &self.row
    }
}

impl AsRef<Row> for Identified {
    fn as_ref(&self) -> &Row {
        &self.row
    }
}

impl AsRef<Row> for Compared {
    fn as_ref(&self) -> &Row {
        &self.row
    }
}

/// One first message of TLS, and what the server made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeted {
    /// The version offered, for people.
    pub name: String,
    /// Its number in the protocol.
    pub version: u16,
    /// The answer.
    pub answer: HelloAnswer,
}

/// What a server made of a first message of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelloAnswer {
    /// It goes on with this version and this cipher suite.
    Agreed {
        /// The version's number in the protocol.
        version: u16,
        /// The suite's number in the protocol.
        suite: u16,
    },
    /// It does not go on; how it said so.
    Refused(String),
    /// It said something that is neither, or nothing.
    Unclear(String),
}

/// A server's certificate as a client sees it that trusts the run's authority alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The server proved in the handshake that it holds the certificate's key.
    pub holds_key: Result<(), String>,
    /// Whether it is believed now.
    pub now: Result<(), Distrust>,
    /// Whether it will be believed in a while.
    pub for_a_while: Result<(), Distrust>,
}

/// Why a certificate is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// It is for another name; which.
    WrongName(String),
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotValidYet,
    /// No authority that is trusted has signed it.
    UnknownIssuer,
    /// Something else.
    Other(String),
}

/// A request to the plain port.
#[derive(Clone, Debug)]
pub struct Redirected {
    /// The request and its answer.
    pub row: Row,
    /// The path and query that were asked for.
    pub target: String,
}

/// One answer that people get.
#[derive(Clone, Debug)]
pub struct Look {
    /// The request and its answer.
    pub row: Row,
    /// What kind of answer it is.
    pub kind: Kind,
    /// It holds what is one person's alone.
    pub personal: bool,
}

/// What kind of answer people get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A page, error pages included.
    Page,
    /// An answer of the api.
    Api,
    /// A picture behind a signed link, or its refusal.
    Image,
    /// A file that pages refer to.
    Asset,
    /// Something that the proxy says by itself.
    Proxy,
}

/// Everything that pages refer to, as a browser would come by it.
#[derive(Clone, Debug, Default)]
pub struct Crawl {
    /// Every page that links lead to: without a session, then with one.
    pub pages: Vec<Row>,
    /// Everything that pages and style sheets refer to.
    pub assets: Vec<Asset>,
}

/// Something that a page or a style sheet refers to.
#[derive(Clone, Debug)]
pub struct Asset {
    /// What it is used as.
    pub used_as: UsedAs,
    /// Its path, or the whole URL where it is of a foreign origin.
    pub path: String,
    /// Where it was referred to first.
    pub on: String,
    /// A person's picture: it has an end, so nobody may keep it for ever.
    pub personal: bool,
    /// What came back, behind redirects. None: it is of a foreign origin, and was not asked for.
    pub answer: Option<Seen<Answer>>,
}

/// Whether Caddy's admin API answers on the network of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where it was looked for.
    pub address: IpAddr,
    /// The proxy's own port answers there: so the address is the right one.
    pub control: bool,
    /// The admin port takes connections.
    pub open: bool,
}

/// A container port that the engine publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// The container port, such as `8443/tcp`.
    pub container: String,
    /// The host's address.
    pub address: String,
    /// The host's port.
    pub port: String,
}

/// A request with or without an id of its own, and where the id of its answer is found again.
#[derive(Clone, Debug)]
pub struct Identified {
    /// The request and its answer.
    pub row: Row,
    /// The id that it brought.
    pub brought: Option<String>,
    /// That id may be passed on as it is.
    pub sane: bool,
    /// Whether the answer's id is in the log, by the instances that had to do with it.
    pub logged: BTreeMap<String, bool>,
}

/// The same request as it is, and as it claims to have come.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The request that makes a claim, and its answer.
    pub row: Row,
    /// The answer to the same request without the claim.
    pub plain: Seen<Answer>,
    /// Services whose logs hold the address that was claimed.
    pub believed_by: Vec<String>,
}

/// Where a container could keep what it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Its own file system takes no writes.
    pub read_only: bool,
    /// What is mounted and takes writes, memory left out.
    pub writable: Vec<String>,
    /// Where it has memory to write to.
    pub memory: Vec<String>,
}

/// What happened to requests while one of two replicas went away and came back.
#[derive(Clone, Debug, Default)]
pub struct Replicas {
    /// How many requests each replica answered while all were there.
    pub before: BTreeMap<String, usize>,
    /// Which one went away.
    pub stopped: String,
    /// Requests that were made from the moment it was told to stop until it was away for a while.
    pub asked: usize,
    /// What those of them came to that did not succeed.
    pub failed: Vec<String>,
    /// How long after its return it answered again.
    pub back: Option<Seen<Duration>>,
}
