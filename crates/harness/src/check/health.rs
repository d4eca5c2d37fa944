//! `health.*`: ready, staying so, alive apart from ready, and telling the truth about what they depend on.

use std::collections::BTreeSet;

use stack::{Kind, Stack};

use super::{Check, Finding, Subject};
use crate::{
    dependencies::{self, Dependency},
    observation::{Observations, Outage, OutageSeenBy, Seen},
    probe::{
        http::Answer,
        outage::{GREEN_WITHIN, says_of},
    },
    runner::{Phase, instances},
};

/// `/ready` tries each dependency for at most 2 s; this much more is for the way there and back.
const READY_BOUND_MS: u128 = 3_000;

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    let mut checks = Vec::new();
    let daemons = || stack.services.iter().filter(|(_, service)| service.kind == Kind::Daemon);
    for (name, service) in daemons() {
        let all = instances(name, service);
        let budget = service.restart_budget;
        checks.push(ready(name, all.clone()));
        checks.push(settled(name, all.clone(), budget));
        checks.push(declared(name, service.healthcheck.as_ref().map(|check| check.test.clone()), all));
    }
    for witness in dependencies::witnesses(stack) {
        checks.push(live(witness, stack));
        checks.push(names(witness, stack));
    }
    for dependency in dependencies::dependencies(stack) {
        let watched = Watched::new(&dependency, stack);
        checks.push(truth(watched.clone()));
        checks.push(liveness(watched.clone()));
        checks.push(recovery(watched));
    }
    checks
}

fn ready(name: &str, all: Vec<String>) -> Check {
    let claim = format!("`{name}` does what its readiness probe asks of it");
    Check::new(format!("health.ready.{name}"), Subject::BringUp, claim, "ready", move |seen| {
        if all.is_empty() {
            return Finding::Fail("the definition starts none of it".into(), None);
        }
        let timings = || all.iter().map(|instance| seen.bring_up.services.get(instance));
        // What is known of one replica is not made unknown by another that was given up because of it.
        if let Some(last_seen) = timings().flatten().find_map(|timing| timing.last_seen.clone()) {
            let failure = seen.bring_up.failure.as_ref();
            return Finding::Fail(last_seen, failure.and_then(|failure| failure.likely_cause.clone()));
        }
        match timings().map(|timing| timing?.ready_ms).collect::<Option<Vec<u64>>>() {
            Some(ready) => {
                let slowest = ready.into_iter().max().unwrap_or(0);
                Finding::Pass(format!("ready {slowest} ms after bring-up began"))
            }
            None => Finding::Unknown(not_reached(seen)),
        }
    })
}

/// Why something that comes after bring-up was not looked at.
pub(super) fn not_reached(seen: &Observations) -> String {
    match &seen.bring_up.failure {
        Some(failure) => format!("the stack never came up: `{}` {}", failure.service, failure.last_seen),
        None => "it was not looked at".into(),
    }
}

fn settled(name: &str, all: Vec<String>, budget: u32) -> Check {
    let claim = format!("`{name}` stays ready for the settle window, within its restart budget of {budget}");
    let expected = format!("ready at every look, at most {budget} restarts");
    Check::new(format!("health.settled.{name}"), Subject::Settle, claim, expected, move |seen| {
        let settle = match &seen.settle.seen {
            Ok(settle) => settle,
            Err(why) => return Finding::Unknown(why.clone()),
        };
        let mut looks = 0;
        for instance in &all {
            let Some(settle) = settle.get(instance) else {
                return Finding::Unknown(format!("`{instance}` was not looked at"));
            };
            if settle.restarts > budget {
                return Finding::Fail(format!("`{instance}` was restarted {} times", settle.restarts), None);
            }
            if settle.ready < settle.looks {
                let last = settle.last_not_ready.clone().unwrap_or_default();
                let flaps = settle.looks - settle.ready;
                return Finding::Fail(
                    format!("not ready at {flaps} of {} looks: {last}", settle.looks),
                    None,
                );
            }
            if let Some(Ok(later)) = seen.states_later.get(instance)
                && (later.restarts > budget || later.phase != Phase::Running)
            {
                let told = format!(
                    "`{instance}` was restarted {} times and is {}",
                    later.restarts,
                    later.describe()
                );
                return Finding::Fail(told, None);
            }
            looks += settle.looks;
        }
        Finding::judged(looks > 0, format!("ready at all of {looks} looks"))
    })
}

fn declared(name: &str, test: Option<Vec<String>>, all: Vec<String>) -> Check {
    let claim = format!("`{name}` declares a health check for the container engine, and passes it");
    Check::new(format!("health.declared.{name}"), Subject::Settle, claim, "healthy", move |seen| {
        if test.as_ref().is_none_or(Vec::is_empty) {
            let seen = "the definition declares none, or disables it";
            return Finding::Fail(
                seen.into(),
                Some(
                    "an engine or orchestrator would send it work without knowing whether it is alive".into(),
                ),
            );
        }
        if test.as_ref().is_some_and(|test| proves_nothing(test)) {
            let told = format!(
                "its health check is `{}`, which passes whatever happens",
                test.clone().unwrap_or_default().join(" ")
            );
            return Finding::Fail(told, None);
        }
        if all.is_empty() {
            return Finding::Fail("the definition starts none of it".into(), None);
        }
        let settle = match &seen.settle.seen {
            Ok(settle) => settle,
            Err(why) => return Finding::Unknown(why.clone()),
        };
        let said = |instance: &String| settle.get(instance).and_then(|settle| settle.health.clone());
        let unhealthy = all.iter().find(|instance| said(instance).as_deref() != Some("healthy"));
        match unhealthy {
            None => Finding::Pass("healthy".into()),
            Some(instance) => Finding::Fail(
                format!("`{instance}`: {}", said(instance).unwrap_or_else(|| "nothing".into())),
                None,
            ),
        }
    })
}

/// A health check that cannot fail.
fn proves_nothing(test: &[String]) -> bool {
    let words: Vec<&str> = test.iter().skip(1).map(|word| word.trim()).collect();
    matches!(words.join(" ").as_str(), "true" | "/bin/true" | ":" | "exit 0" | "")
        || words.first().is_some_and(|word| word.starts_with("echo"))
}

fn live(name: &str, stack: &Stack) -> Check {
    let claim = format!("`{name}` answers /health without a word about its dependencies");
    let all = dependencies::instances_of(stack, name);
    let dependencies = dependencies::of(stack, name);
    let expected = "200, no dependency named";
    Check::new(format!("health.live.{name}"), Subject::Settle, claim, expected, move |seen| {
        for instance in &all {
            match seen.live.get(instance) {
                Some(Ok(answer)) => {
                    let body = String::from_utf8_lossy(&answer.body);
                    if answer.status != 200 {
                        return Finding::Fail(format!("{instance}: {}", answer.status), None);
                    }
                    if let Some(named) = dependencies.iter().find(|name| body.contains(name.as_str())) {
                        return Finding::Fail(format!("{instance}: 200, and it names {named}"), None);
                    }
                }
                Some(Err(why)) => return Finding::Fail(format!("{instance}: {why}"), None),
                None => return Finding::Unknown(not_reached(seen)),
            }
        }
        Finding::judged(!all.is_empty(), "200")
    })
}

/// What a service needs and the definition does not know of, nobody waits for; what it does not ask about, nobody hears
/// of when it is away.
fn names(name: &str, stack: &Stack) -> Check {
    let claim = format!("`{name}` names at /ready what it depends on by the definition, and nothing else");
    let all = dependencies::instances_of(stack, name);
    let needed: BTreeSet<String> = dependencies::of(stack, name).into_iter().collect();
    let told = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    let expected = told(&needed);
    Check::new(format!("health.names.{name}"), Subject::Settle, claim, expected, move |seen| {
        for instance in &all {
            let answer = match seen.ready.get(instance) {
                Some(Ok(answer)) => answer.json(),
                Some(Err(why)) => return Finding::Fail(format!("{instance}: {why}"), None),
                None => return Finding::Unknown(not_reached(seen)),
            };
            let named = answer.get("dependencies").and_then(serde_json::Value::as_object);
            let named: BTreeSet<String> = named.into_iter().flat_map(|named| named.keys().cloned()).collect();
            if named != needed {
                let missing = "`depends_on` lacks something, or the service does not ask for what it needs";
                return Finding::Fail(format!("{instance}: {}", told(&named)), Some(missing.into()));
            }
        }
        Finding::judged(!all.is_empty(), told(&needed))
    })
}

/// A dependency that is taken away, and the instances that are watched meanwhile.
#[derive(Clone)]
struct Watched {
    dependency: String,
    witnesses: Vec<String>,
}

impl Watched {
    fn new(dependency: &Dependency, stack: &Stack) -> Self {
        Self { dependency: dependency.name.clone(), witnesses: dependency.instances(stack) }
    }

    /// Judges each witness of the outage in turn; the first that is not well decides.
    fn each(
        &self,
        seen: &Observations,
        judge: impl Fn(&str, &OutageSeenBy) -> Result<String, Finding>,
    ) -> Finding {
        let outage: &Seen<Outage> = match seen.outages.get(&self.dependency) {
            Some(outage) => &outage.seen,
            None => return Finding::Unknown(not_reached(seen)),
        };
        let outage = match outage {
            Ok(outage) => outage,
            Err(why) => return Finding::Unknown(why.clone()),
        };
        let mut all = Vec::new();
        for witness in &self.witnesses {
            let Some(seen_by) = outage.seen_by.get(witness) else {
                return Finding::Unknown(format!("`{witness}` was not looked at"));
            };
            match judge(witness, seen_by) {
                Ok(seen) => all.push(format!("{witness}: {seen}")),
                Err(finding) => return finding,
            }
        }
        Finding::Pass(all.join("; "))
    }
}

/// Whether a `/ready` answer says that this dependency is down, and that all others are up.
fn blames_only(answer: &Answer, dependency: &str) -> bool {
    let json = answer.json();
    let named = json.get("dependencies").and_then(serde_json::Value::as_object);
    named.is_some_and(|named| {
        named.contains_key(dependency)
            && named.keys().all(|other| {
                let expected = if other == dependency { "down" } else { "up" };
                says_of(answer, other).as_deref() == Some(expected)
            })
    })
}

fn truth(watched: Watched) -> Check {
    let dependency = watched.dependency.clone();
    let claim = format!("/ready goes red within its bound when {dependency} is away, and names it");
    let expected = format!("503 naming {dependency}, each answer within {READY_BOUND_MS} ms");
    Check::new(format!("health.truth.{dependency}"), Subject::Outage, claim, expected, move |seen| {
        watched.each(seen, |witness, seen_by| {
            let (answer, after) = match &seen_by.red {
                Ok(red) => red,
                Err(why) => return Err(Finding::Fail(format!("{witness}: {why}"), None)),
            };
            if answer.status != 503 || !blames_only(answer, &dependency) {
                let told =
                    format!("{witness}: {} without naming it, or naming others that are up", answer.status);
                return Err(Finding::Fail(told, None));
            }
            let slowest = seen_by.slowest.as_millis();
            if slowest > READY_BOUND_MS {
                let seen = format!("{witness}: took {slowest} ms to answer");
                return Err(Finding::Fail(seen, Some("its attempt has no timeout of its own".into())));
            }
            Ok(format!("red after {} ms, slowest answer {slowest} ms", after.as_millis()))
        })
    })
}

fn liveness(watched: Watched) -> Check {
    let dependency = watched.dependency.clone();
    let claim = format!("/health stays green while {dependency} is away");
    Check::new(format!("health.liveness.{dependency}"), Subject::Outage, claim, "200", move |seen| {
        watched.each(seen, |witness, seen_by| match &seen_by.health {
            Ok(answer) if answer.status == 200 => Ok("200".into()),
            Ok(answer) => Err(Finding::Fail(
                format!("{witness}: {}", answer.status),
                Some("an orchestrator would restart it for another's fault".into()),
            )),
            Err(why) => Err(Finding::Fail(format!("{witness}: {why}"), None)),
        })
    })
}

fn recovery(watched: Watched) -> Check {
    let dependency = watched.dependency.clone();
    let claim = format!("services recover by themselves when {dependency} is back");
    let expected = format!("/ready green within {} s, the same process", GREEN_WITHIN.as_secs());
    Check::new(format!("health.recovery.{dependency}"), Subject::Outage, claim, expected, move |seen| {
        watched.each(seen, |witness, seen_by| match &seen_by.recovered {
            Ok(_) if !seen_by.same_process => {
                Err(Finding::Fail(format!("{witness}: green, but it was restarted"), None))
            }
            Ok(after) => Ok(format!("green after {} ms", after.as_millis())),
            Err(why) => Err(Finding::Fail(format!("{witness}: {why}"), None)),
        })
    })
}
