//! Probes: they look at a running stack, do I/O, and hand on plain observations. Each answers, if only with "could
//! not tell".

mod at_rest;
pub mod auth;
pub mod browser;
pub mod clock;
mod connect;
pub mod contract;
pub mod cors;
pub mod data;
pub mod expiry;
pub mod hardening;
pub mod http;
pub mod inputs;
pub mod keyspace;
pub mod limits;
pub mod objects;
pub mod outage;
pub mod person;
pub mod photo;
pub mod proxy;
pub mod raw;
pub mod readiness;
pub mod schema;
pub mod settle;
pub mod smoke;
mod started;
pub mod sweeping;
pub mod tls;
pub mod visitor;
pub(crate) mod worker;
