//! `hardening.*`: what the definition takes from each service is declared, and is seen to be gone.

use stack::{Service, Stack};

use super::{Check, Finding, Subject, health::not_reached};
use crate::observation::{Hardening, Observations, Seen, TriedLimits};

const ONLY_AN_ENGINE: &str = "an engine enforces it, and a process is what its user may be";
/// So many services that break a rule are told of.
const NAMED: usize = 3;

/// What a service declares, or what is missing; and whether a container with it was kept from what it forbids.
#[derive(Clone, Copy)]
struct Rule {
    declared: fn(&Service) -> Result<(), String>,
    bit: fn(&TriedLimits, &Service) -> Result<(), String>,
    /// The same try must work where nothing forbids it.
    control: fn(&TriedLimits) -> bool,
    /// What was seen, where all is well.
    seen: &'static str,
}

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    vec![
        check(
            stack,
            "read_only",
            "no service can write to its root file system: declared, and refused even to user 0",
            "`read_only: true`, and every folder outside of volumes and memory refuses a file (EROFS)",
            Rule {
                declared: |service| declared(service.read_only, "`read_only: true`"),
                bit: |tried, _| read_only(tried),
                control: |control| !control.written.is_empty(),
                seen: "every folder refuses",
            },
        ),
        check(
            stack,
            "capabilities",
            "no service has or can get a capability: all are dropped, and an act that takes one is refused to user 0",
            "`cap_drop: [ALL]` and no `cap_add`; every set of the kernel's is empty; `chown` is not permitted",
            Rule {
                declared: |service| {
                    declared(
                        service.cap_drop.iter().any(|name| name.eq_ignore_ascii_case("all")),
                        "`cap_drop: [ALL]`",
                    )?;
                    if service.cap_add.is_empty() {
                        return Ok(());
                    }
                    Err(format!("it adds {}", service.cap_add.join(", ")))
                },
                bit: |tried, _| capabilities(tried),
                control: |control| control.chown.as_ref().is_some_and(|(code, _)| *code == 0),
                seen: "no capability, no chown",
            },
        ),
        check(
            stack,
            "no_new_privileges",
            "no program gives a service another user's rights: declared, and a set-user-id program changes nothing",
            "`security_opt: [\"no-new-privileges:true\"]`, NoNewPrivs is 1, and such a program runs as who started it",
            Rule {
                declared: |service| {
                    let given = ["no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"];
                    let is_given = service.security_opt.iter().any(|option| given.contains(&option.as_str()));
                    declared(is_given, "`no-new-privileges:true`")
                },
                bit: |tried, _| no_new_privileges(tried),
                control: |control| control.identity == "65534",
                seen: "NoNewPrivs is 1, and a set-user-id program ran as who started it",
            },
        ),
        check(
            stack,
            "memory",
            "each service has a bound on its memory: declared, and whoever takes more is killed",
            "`mem_limit`, and the engine tells of a kill for want of memory",
            Rule {
                declared: |service| {
                    declared(service.memory_limit.is_some_and(|bytes| bytes > 0), "`mem_limit`")
                },
                bit: memory,
                control: |control| control.end.exit_code == Some(0),
                seen: "killed for want of memory",
            },
        ),
        check(
            stack,
            "pids",
            "each service has a bound on its processes: declared, and one more is refused",
            "`pids_limit`, and a fork beyond it fails with EAGAIN",
            Rule {
                declared: |service| {
                    declared(service.pids_limit.is_some_and(|count| count > 0), "`pids_limit`")
                },
                bit: pids,
                control: |control| control.started == format!("all {}", control.processes),
                seen: "one process too many was refused",
            },
        ),
    ]
}

fn check(stack: &Stack, name: &str, claim: &str, expected: &str, rule: Rule) -> Check {
    let services = stack.services.clone();
    let judge = move |seen: &Observations| {
        let mut wrong: Vec<String> = Vec::new();
        for (name, service) in &services {
            wrong.extend((rule.declared)(service).err().map(|why| format!("`{name}`: {why}")));
        }
        let tried = match (&seen.hardening.seen, &seen.bring_up.failure) {
            (Ok(tried), _) => tried,
            (Err(_), _) if !wrong.is_empty() => return Finding::Fail(first(&wrong), None),
            (Err(_), Some(_)) => return Finding::Unknown(not_reached(seen)),
            (Err(why), None) => return Finding::Unknown(why.clone()),
        };
        if wrong.is_empty() && !(rule.control)(&tried.control) {
            return Finding::Unknown(format!(
                "the try proves nothing: without limits, {}",
                told(&tried.control)
            ));
        }
        for (name, service) in &services {
            match of(tried, name) {
                Ok(tried) => {
                    wrong.extend((rule.bit)(tried, service).err().map(|why| format!("`{name}`: {why}")));
                }
                Err(why) if wrong.is_empty() => return Finding::Unknown(format!("`{name}`: {why}")),
                Err(_) => {}
            }
        }
        if wrong.is_empty() {
            return Finding::judged(
                !services.is_empty(),
                format!("{} services: {}", services.len(), rule.seen),
            );
        }
        Finding::Fail(first(&wrong), None)
    };
    Check::new(format!("hardening.{name}"), Subject::Hardening, claim, expected, judge)
        .only_in_containers(ONLY_AN_ENGINE)
}

fn of<'a>(tried: &'a Hardening, service: &str) -> Seen<&'a TriedLimits> {
    tried.services.get(service).ok_or_else(|| "it was not tried".to_owned())?.as_ref().map_err(Clone::clone)
}

fn first(wrong: &[String]) -> String {
    let more = wrong.len().saturating_sub(NAMED);
    let told = wrong.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    if more > 0 { format!("{told}; and {more} more") } else { told }
}

fn declared(is: bool, what: &str) -> Result<(), String> {
    if is { Ok(()) } else { Err(format!("the definition gives it no {what}")) }
}

/// All that the tries came to, in a line.
fn told(tried: &TriedLimits) -> String {
    format!(
        "{} folders took a file, chown ended with {:?}, identity {}, processes: {}, then {}",
        tried.written.len(),
        tried.chown.as_ref().map(|(code, _)| code),
        tried.identity,
        tried.started,
        tried.end.describe()
    )
}

fn read_only(tried: &TriedLimits) -> Result<(), String> {
    if let Some(folder) = tried.written.first() {
        return Err(format!("{folder} takes a file, and {} more folders do", tried.written.len() - 1));
    }
    match tried.refused.iter().find(|(_, why)| why != "Read-only file system") {
        Some((folder, why)) => Err(format!("{folder} refuses a file for another reason: {why}")),
        None if tried.refused.is_empty() => Err("no folder was tried".into()),
        None => Ok(()),
    }
}

fn capabilities(tried: &TriedLimits) -> Result<(), String> {
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        match tried.status.get(set) {
            Some(held) if held.bytes().all(|digit| digit == b'0') => {}
            Some(held) => return Err(format!("{set} is {held}")),
            None => return Err(format!("the kernel tells no {set}")),
        }
    }
    match &tried.chown {
        Some((code, why)) if *code != 0 && why.ends_with("Operation not permitted") => Ok(()),
        Some((0, _)) => Err("user 0 gave a file away".into()),
        Some((code, why)) => Err(format!("chown ended with {code} for another reason: {why}")),
        None => Err("chown was not tried".into()),
    }
}

fn no_new_privileges(tried: &TriedLimits) -> Result<(), String> {
    match tried.status.get("NoNewPrivs").map(String::as_str) {
        Some("1") => {}
        other => return Err(format!("NoNewPrivs is {}", other.unwrap_or("not told"))),
    }
    if tried.identity == "0" {
        return Ok(());
    }
    Err(format!("a set-user-id program, started by user 0, ran as {}", tried.identity))
}

fn memory(tried: &TriedLimits, service: &Service) -> Result<(), String> {
    if service.memory_limit.is_some_and(|limit| limit > tried.bytes) {
        return Err(format!("its limit is too high to be tried; {} bytes were taken", tried.bytes));
    }
    if tried.end.oom_killed {
        return Ok(());
    }
    Err(format!("it took {} bytes and {}", tried.bytes, tried.end.describe()))
}

fn pids(tried: &TriedLimits, service: &Service) -> Result<(), String> {
    if service.pids_limit.is_some_and(|limit| limit > tried.processes) {
        return Err(format!("its limit is too high to be tried; {} processes were started", tried.processes));
    }
    if tried.started.ends_with("Resource temporarily unavailable") {
        return Ok(());
    }
    Err(format!("asked for {} processes: {}", tried.processes, tried.started))
}
