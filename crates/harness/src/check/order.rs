//! `order.*`: conditions are obeyed, oneshots are done, the schema is the right one, late dependencies are survived.

use stack::{Condition, Kind, Stack};

use super::{Check, Finding, Subject, health::not_reached};
use crate::{
    dependencies::{self, Dependency},
    observation::Observations,
    runner::{Phase, instances},
};

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, service) in &stack.services {
        if service.kind == Kind::Oneshot {
            checks.push(oneshot(name));
        }
        if !service.depends_on.is_empty() {
            checks.push(conditions(name, stack));
        }
    }
    checks.push(migration());
    checks.extend(dependencies::services(stack).into_iter().map(|dependency| late(&dependency, stack)));
    checks
}

fn oneshot(name: &str) -> Check {
    let claim = format!("oneshot `{name}` ends, and with exit code 0");
    let name = name.to_owned();
    Check::new(format!("order.oneshot.{name}"), Subject::BringUp, claim, "exit code 0", move |seen| {
        let timing = seen.bring_up.services.get(&name);
        if let Some(last_seen) = timing.and_then(|timing| timing.last_seen.clone()) {
            let failure = seen.bring_up.failure.as_ref();
            return Finding::Fail(last_seen, failure.and_then(|failure| failure.likely_cause.clone()));
        }
        match seen.states.get(&name) {
            Some(Ok(state)) => {
                let done = state.phase == Phase::Exited && state.exit_code == Some(0);
                Finding::judged(done, state.describe())
            }
            Some(Err(why)) => Finding::Unknown(why.clone()),
            None => Finding::Unknown(not_reached(seen)),
        }
    })
}

/// Held against the engine's clock, not ours: what the engine started when is its to say.
fn conditions(name: &str, stack: &Stack) -> Check {
    let service = &stack.services[name];
    let words: Vec<String> = service
        .depends_on
        .iter()
        .map(|(dependency, needed)| match needed.condition {
            Condition::ServiceStarted => format!("{dependency} has started"),
            Condition::ServiceHealthy => format!("{dependency} is ready"),
            Condition::ServiceCompletedSuccessfully => format!("{dependency} is done"),
        })
        .collect();
    let claim = format!("`{name}` is started only once {}", words.join(" and "));
    let instances = instances(name, service);
    let needed: Vec<(Vec<String>, Condition)> = service
        .depends_on
        .iter()
        .filter_map(|(dependency, needed)| {
            let service = stack.services.get(dependency)?;
            Some((crate::runner::instances(dependency, service), needed.condition))
        })
        .collect();
    Check::new(
        format!("order.conditions.{name}"),
        Subject::BringUp,
        claim,
        "started after all",
        move |seen| {
            let mut least = i128::MAX;
            for instance in &instances {
                let Some(Ok(state)) = seen.states.get(instance) else {
                    return Finding::Unknown(not_reached(seen));
                };
                let Some(started) = state.started_at else {
                    return Finding::Unknown(format!(
                        "the engine does not say when `{instance}` was started"
                    ));
                };
                for (dependencies, condition) in &needed {
                    for dependency in dependencies {
                        let happened = match happened(seen, dependency, *condition) {
                            Ok(moment) => moment,
                            Err(why) => return Finding::Unknown(why),
                        };
                        let after = (started - happened).whole_milliseconds();
                        if after < 0 {
                            let seen =
                                format!("`{instance}` was started {} ms before `{dependency}` was", -after);
                            return Finding::Fail(seen, None);
                        }
                        least = least.min(after);
                    }
                }
            }
            Finding::Pass(format!("started {least} ms after the last of them"))
        },
    )
}

/// When a dependency's condition came true: by the engine's clock for starts and ends, by ours for readiness.
fn happened(
    seen: &Observations,
    dependency: &str,
    condition: Condition,
) -> Result<time::OffsetDateTime, String> {
    let Some(Ok(state)) = seen.states.get(dependency) else {
        return Err(format!("`{dependency}` was not looked at"));
    };
    let moment = match condition {
        Condition::ServiceStarted => state.started_at,
        Condition::ServiceCompletedSuccessfully => state.finished_at,
        Condition::ServiceHealthy => {
            seen.bring_up.services.get(dependency).and_then(|timing| timing.ready_at)
        }
    };
    moment.ok_or_else(|| format!("it is not known when `{dependency}` did"))
}

fn migration() -> Check {
    let claim = "the migration was applied, whole, and is the one the api was built with";
    let expected = "the same version in the database as in the api, none unfinished";
    Check::new("order.migration", Subject::Schema, claim, expected, |seen| match &seen.schema.seen {
        Ok(schema) => {
            let right = schema.applied == schema.built_with && schema.unfinished == 0 && schema.applied > 0;
            let told = format!(
                "version {} in the database, {} unfinished; the api was built with version {}",
                schema.applied, schema.unfinished, schema.built_with
            );
            Finding::judged(right, told)
        }
        Err(why) if why.contains("_sqlx_migrations") && why.contains("does not exist") => {
            Finding::Fail(why.clone(), Some("the migration ended well and applied nothing".into()))
        }
        Err(why) => Finding::Unknown(why.clone()),
    })
}

fn late(named: &Dependency, stack: &Stack) -> Check {
    let (dependency, witnesses) = (named.name.clone(), named.instances(stack));
    let named = named.witnesses.join(" and ");
    let claim = format!("being started before {dependency} is no harm to {named}");
    let expected = "/health green without it, /ready accepts it, no restart";
    Check::new(format!("order.late.{dependency}"), Subject::Late, claim, expected, move |seen| {
        let late = match &seen.late.seen {
            Ok(late) => late,
            Err(why) => return Finding::Unknown(why.clone()),
        };
        let accepted = late.accepted.get(&dependency);
        let mut told = Vec::new();
        for witness in &witnesses {
            let (Some(alive), Some(accepted), Some(restarts)) = (
                late.alive.get(witness),
                accepted.and_then(|accepted| accepted.get(witness)),
                late.restarts.get(witness),
            ) else {
                return Finding::Unknown(format!("`{witness}` was not looked at"));
            };
            match alive {
                Ok(answer) if answer.status == 200 => {}
                Ok(answer) => return Finding::Fail(format!("{witness}: /health {}", answer.status), None),
                Err(why) => return Finding::Fail(format!("{witness}: /health {why}"), None),
            }
            match accepted {
                Ok(_) if *restarts > 0 => {
                    return Finding::Fail(format!("{witness} was restarted {restarts} times"), None);
                }
                Ok(after) => told.push(format!("{witness}: accepted after {} ms", after.as_millis())),
                Err(why) => return Finding::Fail(format!("{witness}: {why}"), None),
            }
        }
        Finding::Pass(told.join("; "))
    })
}
