//! Checks: each holds plain observations against one claim. No check does I/O, and none sees what runs.

mod at_rest;
mod auth;
mod browser;
mod contract;
mod cors;
mod data;
#[cfg(test)]
mod every_check_can_fail;
mod hardening;
mod health;
mod image;
mod inputs;
mod limits;
mod order;
mod proxy;
mod secrets;
mod smoke;
mod ttl;

use std::time::Duration;

use stack::Stack;

pub(crate) use browser::WITHOUT_SCRIPTS;
pub(crate) use data::{BACKUP, RESTORE};

use crate::{
    observation::Observations,
    platform::RunnerKind,
    runner::millis,
    verdict::{Outcome, Verdict},
};

/// What must be looked at for a check to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The archives of the container images: nothing needs to run.
    Images,
    /// Bring-up alone.
    BringUp,
    /// The settle window.
    Settle,
    /// The database's schema.
    Schema,
    /// The smoke story.
    Smoke,
    /// The story of an output that expires.
    Expiry,
    /// What becomes of photos by every road; the surfaces that they might be left on are read, too.
    Inputs,
    /// Rows and objects, whatever goes wrong.
    Data,
    /// A backup that is restored.
    Backup,
    /// What the proxy is seen to do.
    Proxy,
    /// Outputs that end while no worker runs.
    Sweeping,
    /// Replicas that go away and come back.
    Replicas,
    /// What other origins may ask of the api.
    Cors,
    /// Who may do what, and what gives it away.
    Auth,
    /// What is refused when somebody asks for too much.
    Limits,
    /// What the documents promise.
    Contract,
    /// The story as a browser sees it.
    Browser,
    /// Limits of the services that are seen to bite.
    Hardening,
    /// Outages of dependencies.
    Outage,
    /// Services started before their dependencies.
    Late,
    /// Surfaces that secrets might show on. All that fills them comes first.
    Surfaces,
}

/// What a check found, before it is told in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The claim holds; what was seen.
    Pass(String),
    /// The claim is false; what was seen, and what that likely means.
    Fail(String, Option<String>),
    /// Could not tell, and why.
    Unknown(String),
    /// Not applicable here, and why.
    Skipped(String),
}

impl Finding {
    /// Pass where `holds`, else fail; `seen` tells what was seen in both cases.
    fn judged(holds: bool, seen: impl Into<String>) -> Self {
        if holds { Self::Pass(seen.into()) } else { Self::Fail(seen.into(), None) }
    }
}

type Judge = Box<dyn Fn(&Observations) -> Finding + Send + Sync>;

/// One claim about a stack, and how to judge it.
pub struct Check {
    /// Dotted id, such as `health.truth.postgres`.
    pub id: String,
    /// What is claimed, as a sentence.
    pub claim: String,
    /// What is expected to be seen.
    pub expected: String,
    /// What must be looked at.
    pub subject: Subject,
    /// Why nothing can be told about a stack of processes, where that is so.
    pub only_in_containers: Option<&'static str>,
    judge: Judge,
}

impl Check {
    fn new(
        id: impl Into<String>,
        subject: Subject,
        claim: impl Into<String>,
        expected: impl Into<String>,
        judge: impl Fn(&Observations) -> Finding + Send + Sync + 'static,
    ) -> Self {
        let (id, claim, expected) = (id.into(), claim.into(), expected.into());
        Self { id, claim, expected, subject, only_in_containers: None, judge: Box::new(judge) }
    }

    /// A claim about containers, with the reason why processes have nothing of the kind.
    fn only_in_containers(self, why: &'static str) -> Self {
        Self { only_in_containers: Some(why), ..self }
    }

    /// Whether it can be judged on stacks that run like this.
    pub fn runs_on(&self, runner: RunnerKind) -> bool {
        runner == RunnerKind::Containers || self.only_in_containers.is_none()
    }

    /// Judges the claim.
    pub fn judge(&self, seen: &Observations) -> Verdict {
        let finding = match (self.only_in_containers, seen.runner) {
            (Some(why), RunnerKind::Processes) => {
                Finding::Skipped(format!("only containers show this: {why}"))
            }
            _ => (self.judge)(seen),
        };
        let (verdict, actual, reason) = match finding {
            Finding::Pass(actual) => (Outcome::Pass, actual, None),
            Finding::Fail(actual, reason) => (Outcome::Fail, actual, reason),
            Finding::Unknown(reason) => (Outcome::Unknown, "could not tell".into(), Some(reason)),
            Finding::Skipped(reason) => (Outcome::Skipped, "not looked at".into(), Some(reason)),
        };
        Verdict {
            check: self.id.clone(),
            verdict,
            claim: self.claim.clone(),
            expected: self.expected.clone(),
            actual,
            reason,
            duration_ms: millis(self.took(seen)),
        }
    }

    fn took(&self, seen: &Observations) -> Duration {
        match self.subject {
            Subject::Images => seen.images.took,
            Subject::Hardening => seen.hardening.took,
            Subject::BringUp => Duration::from_millis(seen.bring_up.total_ms),
            Subject::Settle => seen.settle.took,
            Subject::Schema => seen.schema.took,
            Subject::Smoke => seen.smoke.took,
            Subject::Expiry => seen.expiry.took,
            Subject::Inputs => seen.inputs.took,
            Subject::Data => seen.data.took,
            Subject::Backup => seen.restored.took,
            Subject::Proxy => seen.proxy.took,
            Subject::Sweeping => seen.sweeping.took,
            Subject::Replicas => seen.replicas.took,
            Subject::Cors => seen.cors.took,
            Subject::Auth => seen.auth.took,
            Subject::Limits => seen.limits.took,
            Subject::Contract => seen.contract.took,
            Subject::Browser => seen.browser.took,
            Subject::Outage => {
                let dependency = self.id.rsplit('.').next().unwrap_or_default();
                seen.outages.get(dependency).map_or(Duration::ZERO, |outage| outage.took)
            }
            Subject::Late => seen.late.took,
            Subject::Surfaces => seen.surfaces.took,
        }
    }
}

/// Every check that applies to a stack, in the order of the report. The one list; all others are derived from it.
pub fn checks(stack: &Stack) -> Vec<Check> {
    let kinds = [
        image::checks(stack),
        health::checks(stack),
        order::checks(stack),
        smoke::checks(),
        browser::checks(stack),
        proxy::checks(stack),
        auth::checks(stack),
        limits::checks(stack),
        cors::checks(stack),
        contract::checks(stack),
        ttl::checks(),
        data::checks(stack),
        inputs::checks(),
        hardening::checks(stack),
        secrets::checks(stack),
    ];
    kinds.into_iter().flatten().collect()
}

/// The checks that `only` selects: an id, or the beginning of some up to a dot. Nothing selects all. A word that
/// selects no check is given back.
pub fn select(checks: Vec<Check>, only: &[String]) -> Result<Vec<Check>, String> {
    let selects = |word: &str, id: &str| {
        id == word || id.strip_prefix(word).is_some_and(|rest| rest.starts_with('.') || word.ends_with('.'))
    };
    if let Some(word) = only.iter().find(|word| !checks.iter().any(|check| selects(word, &check.id))) {
        return Err(word.clone());
    }
    let chosen = |check: &Check| only.is_empty() || only.iter().any(|word| selects(word, &check.id));
    Ok(checks.into_iter().filter(chosen).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str) -> Check {
        Check::new(id, Subject::BringUp, "", "", |_| Finding::Pass(String::new()))
    }

    fn ids(only: &[&str]) -> Result<Vec<String>, String> {
        let all = vec![check("health.ready.api"), check("health.ready.worker"), check("ttl.row")];
        let only: Vec<String> = only.iter().map(ToString::to_string).collect();
        select(all, &only).map(|checks| checks.into_iter().map(|check| check.id).collect())
    }

    #[test]
    fn a_check_is_selected_by_its_id_or_the_beginning_of_it() {
        assert_eq!(ids(&["ttl.row"]).unwrap(), ["ttl.row"]);
        assert_eq!(ids(&["health"]).unwrap(), ["health.ready.api", "health.ready.worker"]);
        assert_eq!(ids(&[]).unwrap().len(), 3);
    }

    #[test]
    fn a_word_that_selects_nothing_is_an_error() {
        assert_eq!(ids(&["heal"]).unwrap_err(), "heal");
        assert_eq!(ids(&["ttl", "smoke"]).unwrap_err(), "smoke");
    }
}
