//! Looking at a running stack: every probe and collector that the chosen checks need, as many at once as do not disturb
//! each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    check::{Check, Subject},
    collect, dependencies,
    event::Events,
    fault::Fault,
    images::Images,
    observation::{Observations, Outage, Seen, Timed},
    platform::RunnerKind,
    probe::{
        auth, browser, contract, cors, data, expiry, hardening, http::Answer, inputs, limits, outage, proxy,
        schema, settle, smoke, sweeping,
    },
    runner::{BringUp, State},
    running::RunningStack,
};

/// Looks at everything that the checks need, as much of it at once as does not disturb the rest.
pub async fn observe(
    running: &RunningStack,
    bring_up: BringUp,
    made_of: MadeOf<'_>,
    checks: &[Check],
    events: &Events,
) -> Observations {
    let mut images = None;
    if checks.iter().any(|check| check.subject == Subject::Images) {
        let contents = async { Ok(made_of.images.contents(running.stack(), made_of.architecture).await) };
        images = Some(events.step("container images", Timed::of(contents)).await);
    }
    let mut seen = Box::pin(observe_running(running, bring_up, checks, events)).await;
    seen.images = images.unwrap_or(seen.images);
    seen
}

/// What a running stack is made of.
#[derive(Clone, Copy)]
pub struct MadeOf<'a> {
    /// The folder of its container images.
    pub images: &'a Images,
    /// The architecture of the programs that its machine, or engine, runs.
    pub architecture: &'a str,
}

async fn observe_running(
    running: &RunningStack,
    bring_up: BringUp,
    checks: &[Check],
    events: &Events,
) -> Observations {
    if let Some(failure) = &bring_up.failure {
        let why = format!("the stack never came up: `{}` {}", failure.service, failure.last_seen);
        let mut seen = Observations::of_bring_up(bring_up, &why);
        seen.runner = running.runner().kind();
        seen.states = states(running).await;
        return seen;
    }
    let mut needed: BTreeSet<Subject> = checks.iter().map(|check| check.subject).collect();
    if needed.contains(&Subject::Surfaces) {
        needed.extend([
            Subject::Smoke,
            Subject::Expiry,
            Subject::Inputs,
            Subject::Data,
            Subject::Proxy,
            Subject::Sweeping,
            Subject::Replicas,
            Subject::Cors,
            Subject::Auth,
            Subject::Limits,
            Subject::Contract,
            Subject::Browser,
            Subject::Outage,
            Subject::Late,
        ]);
    }
    if !reads_surfaces(&needed) {
        return Box::pin(observe_all(running, bring_up, &needed, checks, events)).await;
    }
    tokio::select! {
        seen = observe_all(running, bring_up, &needed, checks, events) => seen,
        () = collect::watch(running) => unreachable!("the watch has no end of its own"),
    }
}

/// Photos are looked for in the same places as secrets.
fn reads_surfaces(needed: &BTreeSet<Subject>) -> bool {
    needed.contains(&Subject::Surfaces) || needed.contains(&Subject::Inputs)
}

async fn observe_all(
    running: &RunningStack,
    bring_up: BringUp,
    needed: &BTreeSet<Subject>,
    checks: &[Check],
    events: &Events,
) -> Observations {
    let needs = |subject| needed.contains(&subject);
    let mut seen = Observations::of_bring_up(bring_up, "it was not asked for");
    seen.runner = running.runner().kind();
    seen.states = states(running).await;
    let together = async {
        tokio::join!(
            when(needs(Subject::Settle), || Timed::of(settle::observe(running))),
            when(needs(Subject::Settle), || ask_all(running, "health")),
            when(needs(Subject::Settle), || ask_all(running, "ready")),
            when(needs(Subject::Schema), || Timed::of(schema::observe(running))),
            when(needs(Subject::Smoke), || Timed::of(smoke::observe(running))),
            when(needs(Subject::Expiry), || Timed::of(expiry::observe(running))),
            when(needs(Subject::Proxy), || Timed::of(proxy::observe(running))),
            when(needs(Subject::Cors), || Timed::of(cors::observe(running))),
            when(needs(Subject::Inputs), || Timed::of(inputs::observe(running))),
            when(needs(Subject::Data), || Timed::of(data::observe(running))),
        )
    };
    let (settled, live, ready, schema, smoke, expiry, proxy, cors, inputs, data) =
        events.step("stories", Box::pin(together)).await;
    seen.live = live.unwrap_or_default();
    seen.ready = ready.unwrap_or_default();
    seen.settle = settled.unwrap_or(seen.settle);
    seen.schema = schema.unwrap_or(seen.schema);
    seen.smoke = smoke.unwrap_or(seen.smoke);
    seen.expiry = expiry.unwrap_or(seen.expiry);
    seen.proxy = proxy.unwrap_or(seen.proxy);
    seen.cors = cors.unwrap_or(seen.cors);
    seen.inputs = inputs.unwrap_or(seen.inputs);
    seen.data = data.unwrap_or(seen.data);
    let cut_off = Box::pin(without_worker(running, needed, &mut seen, events)).await;
    // By itself, because it compares times.
    if needs(Subject::Auth) {
        seen.auth = events.step("accounts", Box::pin(Timed::of(auth::observe(running)))).await;
    }
    // After the stories: these keep both the machine and the limits busy, and stories have deadlines to meet.
    let greedy = async {
        tokio::join!(
            when(needs(Subject::Limits), || Timed::of(limits::observe(running))),
            when(needs(Subject::Contract), || Timed::of(contract::observe(running))),
        )
    };
    let (limits, contract) = events.step("limits and documents", Box::pin(greedy)).await;
    seen.limits = limits.unwrap_or(seen.limits);
    seen.contract = contract.unwrap_or(seen.contract);
    // By itself: a browser drops its connections whenever a container starts somewhere.
    if needs(Subject::Browser) {
        seen.browser = events.step("browser", Box::pin(Timed::of(browser::observe(running)))).await;
    }
    // Outages restart services on purpose; what restarted before them did so by itself.
    seen.states_later = states(running).await;
    // What dead workers left was to be taken over meanwhile. Before Redis goes away.
    if let (true, Ok(data)) = (needs(Subject::Data), &mut seen.data.seen) {
        events.step("killed jobs", Box::pin(data::settle(running, data))).await;
    }
    let mut lost = None;
    if let (true, Ok(inputs)) = (needs(Subject::Inputs), &mut seen.inputs.seen) {
        let restarted = Box::pin(inputs::observe_restarted(running, inputs, cut_off));
        lost = events.step("Redis started anew", restarted).await;
    }
    if needs(Subject::Sweeping) {
        let backlog = Box::pin(Timed::of(sweeping::observe(running)));
        seen.sweeping = events.step("worker away over ends", backlog).await;
    }
    if needs(Subject::Replicas) {
        let replicas = Timed::of(proxy::observe_replicas(running, events));
        seen.replicas = events.step("replicas", replicas).await;
    }
    if needs(Subject::Hardening) && seen.runner == RunnerKind::Containers {
        seen.hardening = events.step("limits that bite", Timed::of(hardening::observe(running))).await;
    }
    if needs(Subject::Outage) {
        seen.outages = events.step("outages", outages(running, checks, events)).await;
    }
    if needs(Subject::Late) {
        let late = Timed::of(outage::observe_late(running, events));
        seen.late = events.step("late dependencies", late).await;
    }
    if let (true, Ok(inputs)) = (needs(Subject::Inputs), &mut seen.inputs.seen) {
        events.step("lost photo", Box::pin(inputs::observe_lost(inputs, lost))).await;
    }
    if let (true, Ok(data)) = (needs(Subject::Data), &mut seen.data.seen) {
        events.step("redeploy", Box::pin(data::observe_redeploy(running, data, events))).await;
        // After all that might have parted them.
        events.step("rows and objects", Box::pin(data::observe_end(running, data))).await;
    }
    // By itself: time is turned back.
    if needs(Subject::Backup) {
        seen.restored =
            events.step("backup and restore", Box::pin(Timed::of(data::observe_backup(running)))).await;
    }
    seen.heard = running.recorder().exchanges();
    if reads_surfaces(needed) {
        let surfaces = Box::pin(Timed::of(collect::observe(running, events)));
        seen.surfaces = events.step("surfaces", surfaces).await;
    }
    seen
}

/// Moments without a worker, one after the other: it is away, then it dies. What it leaves comes to its end later.
async fn without_worker(
    running: &RunningStack,
    needed: &BTreeSet<Subject>,
    seen: &mut Observations,
    events: &Events,
) -> Option<inputs::CutOff> {
    let mut cut_off = None;
    if let (true, Ok(inputs)) = (needed.contains(&Subject::Inputs), &mut seen.inputs.seen) {
        events.step("worker away", Box::pin(inputs::observe_waiting(running, inputs))).await;
        cut_off = events.step("worker aborted", Box::pin(inputs::observe_killed(running, inputs))).await;
    }
    if let (true, Ok(data)) = (needed.contains(&Subject::Data), &mut seen.data.seen) {
        events.step("worker killed", Box::pin(data::observe_once(running, data))).await;
    }
    cut_off
}

async fn states(running: &RunningStack) -> BTreeMap<String, Seen<State>> {
    let mut states = BTreeMap::new();
    for instance in running.instances() {
        let state = running.runner().state(&instance).await.map_err(|error| error.to_string());
        states.insert(instance, state);
    }
    states
}

/// Observes if that is needed. What is not observed takes no room, and what is has a place of its own in memory: all of
/// them together are more than a stack holds.
async fn when<Looks: Future>(needed: bool, look: impl FnOnce() -> Looks) -> Option<Looks::Output> {
    if needed { Some(Box::pin(look()).await) } else { None }
}

/// What every instance of every witness answers at `/WHAT`.
async fn ask_all(running: &RunningStack, what: &str) -> BTreeMap<String, Seen<Answer>> {
    let stack = running.stack();
    let mut seen = BTreeMap::new();
    let witnesses = dependencies::witnesses(stack).into_iter();
    for instance in witnesses.flat_map(|witness| dependencies::instances_of(stack, witness)) {
        let answer = match running.client_of(&instance).await {
            Ok(client) => client.get(what, &format!("/{what}")).await.answer,
            Err(why) => Err(why),
        };
        seen.insert(instance, answer);
    }
    seen
}

/// One outage after the other: two at once would hide each other.
async fn outages(
    running: &RunningStack,
    checks: &[Check],
    events: &Events,
) -> BTreeMap<String, Timed<Outage>> {
    let all = checks.iter().any(|check| check.subject == Subject::Surfaces);
    let mut seen = BTreeMap::new();
    for dependency in dependencies::dependencies(running.stack()) {
        let asked = |check: &Check| {
            check.subject == Subject::Outage && check.id.rsplit('.').next() == Some(&dependency.name)
        };
        if !(all || checks.iter().any(asked)) {
            continue;
        }
        let fault = match &dependency.service {
            Some(service) => Fault::Stopped(service.clone()),
            None => match running.image_volume() {
                Ok(volume) => Fault::Unwritable { volume: volume.into() },
                Err(why) => {
                    seen.insert(dependency.name, Timed::missing(&why));
                    continue;
                }
            },
        };
        let outage = Timed::of(outage::observe(running, &fault, &dependency, events)).await;
        seen.insert(dependency.name, outage);
    }
    seen
}
