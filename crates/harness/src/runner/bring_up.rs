//! Bringing a stack up: every service starts the moment what it depends on has happened, and is watched until it is
//! ready (daemon) or done (oneshot). The first failure ends it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use indexmap::IndexMap;
use serde::Serialize;
use stack::{Condition, Kind, Service, Stack};
use time::OffsetDateTime;
use tokio::sync::watch;

use super::{Pace, Phase, Plan, Runner, State, instances, service_of};
use crate::{
    canary::Canary,
    cause::{self, Failure},
    event::{Event, Events},
    poll::{self, Attempt},
    probe::readiness,
};

/// When an instance started and was ready, in milliseconds since bring-up began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceTiming {
    /// Its start was asked for.
    pub started_ms: Option<u64>,
    /// It was first seen ready, or a oneshot done.
    pub ready_ms: Option<u64>,
    /// The same moment by the clock of the machine that looked.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ready_at: Option<OffsetDateTime>,
    /// What was last seen of it, where it never got ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
}

/// How bring-up went.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BringUp {
    /// Each instance's timing, in the order of the definition.
    pub services: IndexMap<String, ServiceTiming>,
    /// From the first start to the last ready, in milliseconds.
    pub total_ms: u64,
    /// The chain of services that the whole had to wait for, first to last.
    pub critical_path: Vec<String>,
    /// What failed first, where something did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// How far each service has come.
#[derive(Clone, Debug, Default)]
struct Progress {
    started: BTreeMap<String, u16>,
    ready: BTreeMap<String, u16>,
    completed: BTreeMap<String, u16>,
    aborted: bool,
}

/// Starts every service of `stack`, each as soon as its dependencies allow, and waits until all are ready.
///
/// The result always tells how far things came; a failure is part of it.
pub async fn bring_up(runner: &dyn Runner, stack: &Stack, plan: &Plan, events: &Events) -> BringUp {
    let begin = Instant::now();
    let deadline = begin + stack.options.ready_within;
    let (progress, _) = watch::channel(Progress::default());
    let secrets = plan.canaries();
    let work = stack.services.iter().flat_map(|(name, service)| {
        instances(name, service).into_iter().map(move |instance| (name.as_str(), service, instance))
    });
    let launches = work.map(|(name, service, instance)| Launch {
        runner,
        stack,
        name,
        service,
        instance,
        secrets: &secrets,
        begin,
        deadline,
        progress: &progress,
        events,
    });
    let outcomes = match plan.pace {
        Pace::Together => futures::future::join_all(launches.map(Launch::run)).await,
        Pace::OneByOne => {
            let order = stack.start_order().concat();
            let place = |launch: &Launch<'_>| order.iter().position(|name| *name == launch.name);
            let mut launches: Vec<_> = launches.collect();
            launches.sort_by_key(place);
            let mut outcomes = Vec::new();
            for launch in launches {
                outcomes.push(launch.run().await);
            }
            outcomes
        }
    };

    let mut outcome = BringUp { total_ms: millis(begin.elapsed()), ..BringUp::default() };
    for (instance, timing, failure) in outcomes {
        outcome.services.insert(instance, timing);
        outcome.failure = outcome.failure.or(failure);
    }
    outcome.critical_path = critical_path(stack, &outcome.services);
    outcome
}

/// One instance on its way up.
struct Launch<'a> {
    runner: &'a dyn Runner,
    stack: &'a Stack,
    name: &'a str,
    service: &'a Service,
    instance: String,
    secrets: &'a BTreeMap<String, Canary>,
    begin: Instant,
    deadline: Instant,
    progress: &'a watch::Sender<Progress>,
    events: &'a Events,
}

impl Launch<'_> {
    async fn run(self) -> (String, ServiceTiming, Option<Failure>) {
        let mut timing = ServiceTiming::default();
        let failure = match self.launch(&mut timing).await {
            Ok(()) | Err(None) => None,
            Err(Some(last_seen)) => {
                self.progress.send_modify(|progress| progress.aborted = true);
                timing.last_seen = Some(last_seen.clone());
                Some(self.explain(last_seen).await)
            }
        };
        (self.instance, timing, failure)
    }

    /// `Err(None)`: given up because another service failed.
    async fn launch(&self, timing: &mut ServiceTiming) -> Result<(), Option<String>> {
        self.dependencies().await?;
        let start = Instant::now();
        timing.started_ms = Some(millis(self.begin.elapsed()));
        self.runner.start(&self.instance).await.map_err(|error| Some(error.to_string()))?;
        self.events.send(Event::Started(self.instance.clone()));
        self.count(|progress| &mut progress.started);
        let mut aborted = self.progress.subscribe();
        let others_failed = aborted.wait_for(|progress| progress.aborted);
        tokio::select! {
            reached = self.reach_end_state() => reached?,
            _ = others_failed => return Err(None),
        }
        timing.ready_ms = Some(millis(self.begin.elapsed()));
        timing.ready_at = Some(OffsetDateTime::now_utc());
        self.events.send(Event::Ready(self.instance.clone(), start.elapsed()));
        match self.service.kind {
            Kind::Daemon => self.count(|progress| &mut progress.ready),
            Kind::Oneshot => self.count(|progress| &mut progress.completed),
        }
        Ok(())
    }

    async fn dependencies(&self) -> Result<(), Option<String>> {
        let mut watching = self.progress.subscribe();
        let met = watching.wait_for(|progress| progress.aborted || self.is_startable(progress)).await;
        match met {
            Ok(progress) if !progress.aborted => Ok(()),
            _ => Err(None),
        }
    }

    fn is_startable(&self, progress: &Progress) -> bool {
        self.service.depends_on.iter().all(|(dependency, needed)| {
            let Some(service) = self.stack.services.get(dependency) else {
                return !needed.required;
            };
            let reached = match needed.condition {
                Condition::ServiceStarted => &progress.started,
                Condition::ServiceHealthy => &progress.ready,
                Condition::ServiceCompletedSuccessfully => &progress.completed,
            };
            reached.get(dependency).copied().unwrap_or(0) >= service.replicas
        })
    }

    fn count(&self, of: impl Fn(&mut Progress) -> &mut BTreeMap<String, u16>) {
        self.progress.send_modify(|progress| *of(progress).entry(self.name.to_owned()).or_insert(0) += 1);
    }

    async fn reach_end_state(&self) -> Result<(), Option<String>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let reached = poll::until(left, || async {
            let attempt = match self.service.kind {
                Kind::Oneshot => self.is_done().await,
                Kind::Daemon => self.is_ready().await,
            };
            if let Attempt::NotYet(seen) = &attempt {
                self.events.send(Event::Waiting(self.instance.clone(), seen.clone()));
            }
            attempt
        });
        reached.await.map_err(|not| Some(not.to_string()))
    }

    async fn is_done(&self) -> Attempt<()> {
        match self.runner.state(&self.instance).await {
            Ok(State { phase: Phase::Exited, exit_code: Some(0), .. }) => Attempt::Ready(()),
            Ok(state) if state.phase == Phase::Exited => Attempt::Never(state.describe()),
            Ok(state) => Attempt::NotYet(format!("{}, where exit code 0 is waited for", state.describe())),
            Err(error) => Attempt::NotYet(error.to_string()),
        }
    }

    async fn is_ready(&self) -> Attempt<()> {
        let state = match self.runner.state(&self.instance).await {
            Ok(state) => state,
            Err(error) => return Attempt::NotYet(error.to_string()),
        };
        let restarts = state.restarts > self.service.restart_budget;
        if state.phase == Phase::Exited || restarts {
            return Attempt::Never(state.describe());
        }
        let Some(ready) = &self.service.ready else {
            return match state.health.as_deref() {
                None | Some("none" | "healthy") => Attempt::Ready(()),
                Some(health) => Attempt::NotYet(format!("its health check says {health}")),
            };
        };
        let port = port_of(ready);
        let attempt = match self.runner.endpoint(&self.instance, port).await {
            Ok(address) => readiness::attempt(ready, address, self.secrets).await,
            Err(error) => Err(error.to_string()),
        };
        attempt.map_or_else(Attempt::NotYet, Attempt::Ready)
    }

    async fn explain(&self, last_seen: String) -> Failure {
        let state = self.runner.state(&self.instance).await.ok();
        let log = self.runner.logs(&self.instance, Some(cause::LOG_LINES)).await.unwrap_or_default();
        Failure::of(&self.instance, self.service, last_seen, state, &log)
    }
}

/// The container port that a readiness probe speaks to.
pub(crate) fn port_of(ready: &stack::Readiness) -> u16 {
    match ready {
        stack::Readiness::Http { port, .. }
        | stack::Readiness::Postgres { port, .. }
        | stack::Readiness::Redis { port, .. } => *port,
    }
}

/// The container ports that the definition names for a service: exposed, published, probed.
pub(crate) fn ports_of(service: &stack::Service) -> impl Iterator<Item = u16> {
    let published = service.ports.iter().map(|port| port.container_port);
    service.expose.iter().copied().chain(published).chain(service.ready.iter().map(port_of))
}

/// From the instance that was ready last back along the dependency that was ready last.
fn critical_path(stack: &Stack, timings: &IndexMap<String, ServiceTiming>) -> Vec<String> {
    let ready = |instance: &String| timings.get(instance).and_then(|timing| timing.ready_ms);
    let latest = |counts: &dyn Fn(&str) -> bool| {
        let among =
            timings.keys().filter(|instance| ready(instance).is_some() && counts(service_of(instance)));
        among.max_by_key(|instance| ready(instance)).cloned()
    };
    let mut path: Vec<String> = Vec::new();
    let mut next = latest(&|_| true);
    while let Some(instance) = next {
        let service = stack.services.get(service_of(&instance));
        next = latest(&|other| service.is_some_and(|service| service.depends_on.contains_key(other)));
        path.push(instance);
    }
    path.reverse();
    path
}

/// How long the longest chain of dependencies takes, if each service took just its own time, in milliseconds: the
/// least that bringing up this stack could take.
pub fn longest_path_ms(stack: &Stack, own: &IndexMap<String, ServiceTiming>) -> u64 {
    let mut done: BTreeMap<&str, u64> = BTreeMap::new();
    for name in stack.start_order().concat() {
        let service = &stack.services[name];
        let begin =
            service.depends_on.keys().filter_map(|on| done.get(on.as_str())).max().copied().unwrap_or(0);
        let takes = instances(name, service).into_iter().filter_map(|instance| {
            let timing = own.get(&instance)?;
            Some(timing.ready_ms?.saturating_sub(timing.started_ms?))
        });
        done.insert(name, begin + takes.max().unwrap_or(0));
    }
    done.into_values().max().unwrap_or(0)
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
