//! What the `x-shakedown` keys say, as data.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::milliseconds;

/// The typed readiness probe of a service. It does real work; a port that is open proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// An HTTP GET with an exact status.
    Http {
        /// Container port.
        port: u16,
        /// Path, beginning with `/`.
        path: String,
        /// Status expected, 200 if unsaid.
        status: u16,
        /// Text that the body must hold, where given.
        body: Option<String>,
    },
    /// `SELECT` as a role of the application.
    Postgres {
        /// Container port.
        port: u16,
        /// Role.
        user: String,
        /// Database.
        database: String,
        /// The Compose secret that holds the role's password.
        password_secret: String,
        /// The query, `SELECT 1` if unsaid.
        query: String,
    },
    /// A write and a read back.
    Redis {
        /// Container port.
        port: u16,
        /// The Compose secret that holds the password, where there is one.
        password_secret: Option<String>,
    },
}

/// The stack's own `x-shakedown` keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StackOptions {
    /// Environment variables planted besides every Compose secret: `SERVICE.VARIABLE`.
    pub planted_environment: Vec<String>,
    /// Variables that a gate gives to the interpolation of this definition, before the defaults written in it.
    pub gate_environment: BTreeMap<String, String>,
    /// Time to live that the gate asks for when it tests expiry.
    #[serde(rename = "ttl_ms", serialize_with = "milliseconds::write")]
    pub ttl: Duration,
    /// How long after its expiry an output's row and object may still be there.
    #[serde(rename = "ttl_grace_ms", serialize_with = "milliseconds::write")]
    pub ttl_grace: Duration,
    /// How long every daemon must stay healthy.
    #[serde(rename = "settle_ms", serialize_with = "milliseconds::write")]
    pub settle: Duration,
    /// How long the whole stack may take until it is ready.
    #[serde(rename = "ready_within_ms", serialize_with = "milliseconds::write")]
    pub ready_within: Duration,
    /// Where people come in.
    pub entrance: Option<Entrance>,
    /// What the moments of a gate are drawn from that are left to chance; a fresh one for each run if unsaid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Where people come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entrance {
    /// Service.
    pub service: String,
    /// Container port. It speaks TLS where `tls` is given, else plain HTTP.
    pub port: u16,
    /// Container port that speaks plain HTTP besides, only to send people to the other.
    pub plain_port: Option<u16>,
    /// What the entrance proves itself with.
    pub tls: Option<EntranceTls>,
}

/// The secrets that the entrance proves itself with. Whoever starts the stack sees that they fit each other and the
/// public origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntranceTls {
    /// The Compose secret with the certificate in PEM. Public, unlike all other secrets.
    pub certificate: String,
    /// The Compose secret with the certificate's private key in PEM.
    pub key: String,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            planted_environment: Vec::new(),
            gate_environment: BTreeMap::new(),
            ttl: Duration::from_secs(3),
            ttl_grace: Duration::from_secs(5),
            settle: Duration::from_secs(3),
            ready_within: Duration::from_mins(1),
            entrance: None,
            seed: None,
        }
    }
}
