//! `contract.*`: what is written down is so.

mod document;
mod environment;
mod openapi;
mod secret_like;

use stack::Stack;

use super::{Check, Finding, Subject};
use crate::observation::{Contract, Observations, Seen};

pub(super) fn checks(_stack: &Stack) -> Vec<Check> {
    let mut all = environment::checks();
    all.extend(openapi::checks());
    all
}

fn contract(
    name: &str,
    claim: &str,
    expected: &str,
    judge: impl Fn(&Contract) -> Finding + Send + Sync + 'static,
) -> Check {
    Check::new(format!("contract.{name}"), Subject::Contract, claim, expected, move |seen: &Observations| {
        with(&seen.contract.seen, &judge)
    })
}

fn with<T>(seen: &Seen<T>, judge: impl FnOnce(&T) -> Finding) -> Finding {
    match seen {
        Ok(seen) => judge(seen),
        Err(why) => Finding::Unknown(why.clone()),
    }
}

/// Pass where there are no complaints; else the first few of them.
fn none(complaints: &[String], right: impl Into<String>) -> Finding {
    const TOLD: usize = 4;
    if complaints.is_empty() {
        return Finding::Pass(right.into());
    }
    let told = complaints[..complaints.len().min(TOLD)].join("; ");
    let more = complaints.len().saturating_sub(TOLD);
    Finding::Fail(if more == 0 { told } else { format!("{told}; and {more} more") }, None)
}
