//! What a sound service is kept from, and what each `hardening.*` check is there to notice.

use std::collections::BTreeMap;

use stack::Stack;

use super::{Defect, Phase, State, definition, outcomes};
use crate::{
    observation::{Hardening, Observations, TriedLimits},
    verdict::Outcome,
};

fn ended(exit_code: i64, oom_killed: bool) -> State {
    State {
        phase: Phase::Exited,
        exit_code: Some(exit_code),
        oom_killed,
        restarts: 0,
        started_at: None,
        finished_at: None,
        health: None,
        error: None,
    }
}

fn kept_from_all() -> TriedLimits {
    let sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
    let mut status: BTreeMap<String, String> =
        sets.map(|set| (set.to_owned(), "0000000000000000".to_owned())).into();
    status.insert("NoNewPrivs".into(), "1".into());
    TriedLimits {
        written: Vec::new(),
        refused: vec![("/".into(), "Read-only file system".into())],
        status,
        chown: Some((1, "chown: changing ownership of 'mine': Operation not permitted".into())),
        identity: "0".into(),
        processes: 10_000,
        started: "tries: fork: retry: Resource temporarily unavailable".into(),
        bytes: u64::MAX,
        end: ended(137, true),
    }
}

fn kept_from_nothing() -> TriedLimits {
    TriedLimits {
        written: vec!["/".into()],
        refused: Vec::new(),
        status: BTreeMap::new(),
        chown: Some((0, String::new())),
        identity: "65534".into(),
        processes: 10_000,
        started: "all 10000".into(),
        bytes: 1,
        end: ended(0, false),
    }
}

pub(super) fn green(stack: &Stack) -> Hardening {
    let services = stack.services.keys().map(|name| (name.clone(), Ok(kept_from_all()))).collect();
    Hardening { control: kept_from_nothing(), services }
}

/// A defect of the service that is looked at last.
fn last(change: fn(&mut TriedLimits)) -> Defect {
    Box::new(move |seen| {
        let services = &mut seen.hardening.seen.as_mut().unwrap().services;
        change(services.last_entry().unwrap().get_mut().as_mut().unwrap());
    })
}

pub(super) fn defects() -> Vec<(String, Defect)> {
    let all: Vec<(&str, Defect)> = vec![
        ("read_only", last(|tried| tried.written.push("/etc".into()))),
        ("read_only", last(|tried| tried.refused.push(("/etc".into(), "Permission denied".into())))),
        ("read_only", last(|tried| tried.refused.clear())),
        ("capabilities", last(|tried| drop(tried.status.insert("CapBnd".into(), "00000000a80425fb".into())))),
        ("capabilities", last(|tried| drop(tried.status.remove("CapEff")))),
        ("capabilities", last(|tried| tried.chown = Some((0, String::new())))),
        ("capabilities", last(|tried| tried.chown = Some((127, "chown: command not found".into())))),
        ("no_new_privileges", last(|tried| drop(tried.status.insert("NoNewPrivs".into(), "0".into())))),
        ("no_new_privileges", last(|tried| tried.identity = "65534".into())),
        ("memory", last(|tried| tried.end = ended(0, false))),
        ("memory", last(|tried| tried.end = ended(137, false))),
        ("memory", last(|tried| tried.bytes = 1)),
        ("pids", last(|tried| tried.started = "all 10000".into())),
        ("pids", last(|tried| tried.processes = 1)),
    ];
    all.into_iter().map(|(name, defect)| (format!("hardening.{name}"), defect)).collect()
}

#[test]
fn what_the_definition_does_not_declare_fails_whatever_was_seen() {
    type Change = fn(&mut stack::Service);
    let changes: [(&str, Change); 9] = [
        ("read_only", |service| service.read_only = false),
        ("capabilities", |service| service.cap_drop.clear()),
        ("capabilities", |service| service.cap_add.push("CHOWN".into())),
        ("no_new_privileges", |service| service.security_opt.clear()),
        ("no_new_privileges", |service| service.security_opt = vec!["no-new-privileges:false".into()]),
        ("memory", |service| service.memory_limit = None),
        ("memory", |service| service.memory_limit = Some(0)),
        ("pids", |service| service.pids_limit = None),
        ("pids", |service| service.pids_limit = Some(-1)),
    ];
    for (name, change) in changes {
        let mut stack = definition();
        change(&mut stack.services["web"]);
        for seen in [super::green(&stack), Observations::of_bring_up(super::BringUp::default(), "not now")] {
            assert_eq!(verdict(&stack, &seen, name), Outcome::Fail, "{name}");
        }
    }
}

#[test]
fn a_try_that_also_fails_where_nothing_forbids_it_proves_nothing() {
    let stack = definition();
    let mut seen = super::green(&stack);
    seen.hardening.seen.as_mut().unwrap().control = kept_from_all();
    for name in ["read_only", "capabilities", "no_new_privileges", "memory", "pids"] {
        assert_eq!(verdict(&stack, &seen, name), Outcome::Unknown, "{name}");
    }
}

fn verdict(stack: &Stack, seen: &Observations, name: &str) -> Outcome {
    let id = format!("hardening.{name}");
    outcomes(stack, seen).into_iter().find(|verdict| verdict.check == id).unwrap().verdict
}
