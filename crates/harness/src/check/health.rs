//! `health.*`: ready, staying so, alive apart from ready, and telling the truth about what they depend on.

use stack::{Kind, Stack};

use super::{Check, Finding, Subject};
use crate::{
    observation::{Observations, Outage, OutageSeenBy, Seen},
    probe::{
        http::Answer,
        outage::{GREEN_WITHIN, WITNESSES, says_of},
    },
    runner::{Phase, instances},
};

/// `/ready` tries each dependency for at most 2 s; this much more is for the way there and back.
const READY_BOUND_MS: u128 = 3_000;
/// The dependencies that are taken away.
pub(crate) const DEPENDENCIES: [&str; 3] = ["postgres", "redis", "image_store"];

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
    for witness in WITNESSES.iter().filter(|witness| stack.services.contains_key(**witness)) {
        checks.push(live(witness));
    }
    for dependency in DEPENDENCIES {
        checks.push(truth(dependency));
        checks.push(liveness(dependency));
        checks.push(recovery(dependency));
    }
    checks
}

fn ready(name: &str, all: Vec<String>) -> Check {
    let claim = format!("`{name}` does what its readiness probe asks of it");
    Check::new(format!("health.ready.{name}"), Subject::BringUp, claim, "ready", move |seen| {
        if all.is_empty() {
            return Finding::Fail("the definition starts none of it".into(), None);
        }
        let mut slowest = 0;
        for instance in &all {
            let timing = seen.bring_up.services.get(instance);
            let Some(timing) = timing else {
                return Finding::Unknown(format!("`{instance}` is not known"));
            };
            match (timing.ready_ms, &timing.last_seen, &timing.started_ms) {
                (Some(ready), ..) => slowest = slowest.max(ready),
                (None, Some(last_seen), _) => {
                    let failure = seen.bring_up.failure.as_ref();
                    let cause = failure.and_then(|failure| failure.likely_cause.clone());
                    return Finding::Fail(last_seen.clone(), cause);
                }
                (None, None, _) => return Finding::Unknown(not_reached(seen)),
            }
        }
        Finding::Pass(format!("ready {slowest} ms after bring-up began"))
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

fn live(name: &&'static str) -> Check {
    let name = *name;
    let claim = format!("`{name}` answers /health without a word about its dependencies");
    Check::new(
        format!("health.live.{name}"),
        Subject::Settle,
        claim,
        "200, no dependency named",
        move |seen| match seen.live.get(name) {
            Some(Ok(answer)) => {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                let named = DEPENDENCIES.iter().find(|dependency| body.contains(*dependency));
                let about = named.map_or(String::new(), |dependency| format!(", and it names {dependency}"));
                Finding::judged(answer.status == 200 && named.is_none(), format!("{}{about}", answer.status))
            }
            Some(Err(why)) => Finding::Fail(why.clone(), None),
            None => Finding::Unknown(not_reached(seen)),
        },
    )
}

/// Judges each witness of an outage in turn; the first that is not well decides.
fn each_witness(
    seen: &Observations,
    dependency: &str,
    judge: impl Fn(&str, &OutageSeenBy) -> Result<String, Finding>,
) -> Finding {
    let outage: &Seen<Outage> = match seen.outages.get(dependency) {
        Some(outage) => &outage.seen,
        None => return Finding::Unknown(not_reached(seen)),
    };
    let outage = match outage {
        Ok(outage) => outage,
        Err(why) => return Finding::Unknown(why.clone()),
    };
    let mut all = Vec::new();
    for witness in WITNESSES {
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

/// Whether a `/ready` answer says that this dependency is down, and that all others are up.
fn blames_only(answer: &Answer, dependency: &str) -> bool {
    DEPENDENCIES.iter().filter(|other| says_of(answer, other).is_some()).all(|other| {
        let expected = if *other == dependency { "down" } else { "up" };
        says_of(answer, other).as_deref() == Some(expected)
    }) && says_of(answer, dependency).as_deref() == Some("down")
}

fn truth(dependency: &'static str) -> Check {
    let claim = format!("/ready goes red within its bound when {dependency} is away, and names it");
    let expected = format!("503 naming {dependency}, each answer within {READY_BOUND_MS} ms");
    Check::new(format!("health.truth.{dependency}"), Subject::Outage, claim, expected, move |seen| {
        each_witness(seen, dependency, |witness, seen_by| {
            let (answer, after) = match &seen_by.red {
                Ok(red) => red,
                Err(why) => return Err(Finding::Fail(format!("{witness}: {why}"), None)),
            };
            if answer.status != 503 || !blames_only(answer, dependency) {
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

fn liveness(dependency: &'static str) -> Check {
    let claim = format!("/health stays green while {dependency} is away");
    Check::new(format!("health.liveness.{dependency}"), Subject::Outage, claim, "200", move |seen| {
        each_witness(seen, dependency, |witness, seen_by| match &seen_by.health {
            Ok(answer) if answer.status == 200 => Ok("200".into()),
            Ok(answer) => Err(Finding::Fail(
                format!("{witness}: {}", answer.status),
                Some("an orchestrator would restart it for another's fault".into()),
            )),
            Err(why) => Err(Finding::Fail(format!("{witness}: {why}"), None)),
        })
    })
}

fn recovery(dependency: &'static str) -> Check {
    let claim = format!("services recover by themselves when {dependency} is back");
    let expected = format!("/ready green within {} s, the same process", GREEN_WITHIN.as_secs());
    Check::new(format!("health.recovery.{dependency}"), Subject::Outage, claim, expected, move |seen| {
        each_witness(seen, dependency, |witness, seen_by| match &seen_by.recovered {
            Ok(_) if !seen_by.same_process => {
                Err(Finding::Fail(format!("{witness}: green, but it was restarted"), None))
            }
            Ok(after) => Ok(format!("green after {} ms", after.as_millis())),
            Err(why) => Err(Finding::Fail(format!("{witness}: {why}"), None)),
        })
    })
}
