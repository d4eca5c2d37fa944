//! Outages: a dependency goes away and comes back, and the services around it are watched the whole time.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{
    dependencies::{self, Dependency, instances_of},
    event::{Event, Events},
    fault::Fault,
    observation::{Late, Outage, OutageSeenBy, Seen},
    poll::{self, Attempt},
    probe::http::{Answer, Client},
    runner::all_of,
    running::RunningStack,
};

/// A dependency that is away must be named within this: its own bound of 2 s, and a look or two.
pub const RED_WITHIN: Duration = Duration::from_secs(8);
/// A dependency is away for at least this long.
const AWAY_AT_LEAST: Duration = Duration::from_millis(1500);
/// A dependency that came back must be accepted within this.
pub const GREEN_WITHIN: Duration = Duration::from_secs(15);

/// Takes `dependency` away by `fault`, watches, brings it back, watches.
pub async fn observe(
    running: &RunningStack,
    fault: &Fault,
    dependency: &Dependency,
    events: &Events,
) -> Seen<Outage> {
    let (name, witnesses) = (dependency.name.as_str(), dependency.instances(running.stack()));
    let before = states(running, &witnesses).await?;
    // Nothing may go wrong between the fault and its undoing: what is needed is at hand before.
    let mut clients = Vec::new();
    for witness in &witnesses {
        clients.push((witness, running.client_of(witness).await?));
    }
    let door = running.entrance().await;
    let gone = fault.inject(running).await?;
    let since = Instant::now();
    let mut outage = Outage::default();
    let watched = clients
        .iter()
        .map(|(witness, client)| async move { ((*witness).clone(), while_away(client, name, since).await) });
    let (seen_by, ()) = tokio::join!(futures::future::join_all(watched), async {
        if let Ok(door) = &door {
            knock(door).await;
        }
    });
    outage.seen_by.extend(seen_by);
    gone.undo(running).await?;
    let back = Instant::now();
    for (witness, client) in &clients {
        let recovered = poll::until(GREEN_WITHIN, || async {
            match client.get("outage.recovery", "/ready").await.answer {
                Ok(answer) if answer.status == 200 => Attempt::Ready(back.elapsed()),
                Ok(answer) => Attempt::NotYet(String::from_utf8_lossy(&answer.body).into_owned()),
                Err(error) => Attempt::NotYet(error),
            }
        });
        let recovered = recovered.await.map_err(|not| not.to_string());
        if let Some(seen) = outage.seen_by.get_mut(witness.as_str()) {
            seen.recovered = recovered;
        }
    }
    let after = states(running, &witnesses).await?;
    for (witness, seen) in &mut outage.seen_by {
        seen.same_process = before.get(witness) == after.get(witness);
    }
    events.send(Event::Note(format!("{name} went away and came back")));
    Ok(outage)
}

/// Error paths are where secrets leak: what they say is recorded and searched like everything else.
async fn knock(door: &Client) {
    let body = serde_json::json!({ "email": "nobody@example.org", "password": "a password of nobody's" });
    let post = reqwest::Method::POST;
    tokio::join!(
        door.send("outage.login", post, "/api/v1/sessions", |request| request.json(&body)),
        door.get("outage.ready", "/api/health"),
    );
}

/// When each instance was started last and how often: the same afterwards means that nobody restarted it.
async fn states(
    running: &RunningStack,
    all: &[String],
) -> Seen<BTreeMap<String, (Option<time::OffsetDateTime>, u32)>> {
    let mut found = BTreeMap::new();
    for instance in all {
        let state = running.runner().state(instance).await.map_err(|error| error.to_string())?;
        found.insert(instance.clone(), (state.started_at, state.restarts));
    }
    Ok(found)
}

async fn while_away(client: &Client, dependency: &str, since: Instant) -> OutageSeenBy {
    let slowest = std::cell::Cell::new(Duration::ZERO);
    let red = poll::until(RED_WITHIN, || async {
        let exchange = client.get("outage.ready", "/ready").await;
        slowest.set(slowest.get().max(exchange.duration));
        match exchange.answer {
            Ok(answer) if answer.status != 200 && says_of(&answer, dependency).as_deref() == Some("down") => {
                Attempt::Ready((answer, since.elapsed()))
            }
            Ok(answer) => {
                Attempt::NotYet(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)))
            }
            Err(error) => Attempt::NotYet(error),
        }
    });
    let red = red.await.map_err(|not| not.to_string());
    // The whole time, not only at first: a service may lose heart later.
    let mut health = client.get("outage.health", "/health").await.answer;
    while health.as_ref().is_ok_and(|answer| answer.status == 200) && since.elapsed() < AWAY_AT_LEAST {
        tokio::time::sleep(poll::INTERVAL).await;
        health = client.get("outage.health", "/health").await.answer;
    }
    OutageSeenBy {
        red,
        slowest: slowest.get(),
        health,
        recovered: Err("not looked at".into()),
        same_process: false,
    }
}

/// What a `/ready` answer says of a dependency: `up` or `down`.
pub fn says_of(answer: &Answer, dependency: &str) -> Option<String> {
    answer.text(&format!("/dependencies/{dependency}/status"))
}

/// Stops the witnesses and all that they depend on, then starts them in the wrong order: each before what it needs.
pub async fn observe_late(running: &RunningStack, events: &Events) -> Seen<Late> {
    let (stack, runner) = (running.stack(), running.runner());
    let told = |error: crate::runner::RunnerError| error.to_string();
    let (witnesses, dependencies) = (dependencies::witnesses(stack), dependencies::services(stack));
    let of = |name: &str| dependencies.iter().find(|one| one.service.as_deref() == Some(name));
    let mut wrong_order = stack.start_order().concat();
    wrong_order.retain(|name| witnesses.contains(name) || of(name).is_some());
    wrong_order.reverse();
    let all: Vec<String> = wrong_order.iter().flat_map(|name| instances_of(stack, name)).collect();
    let door = running.entrance().await?;
    let mut acts = all_of(all.iter().map(|instance| runner.stop(instance))).await;
    // Nobody is behind the proxy now: what it logs of a link that it cannot pass on must not hold the signature.
    let link = format!(
        "/images/{}?expires=4102444800&signature={}",
        uuid::Uuid::new_v4(),
        running.signature().reveal()
    );
    door.get("late.link", &link).await;

    // Whatever fails, all are started again.
    let mut late = Late::default();
    for name in wrong_order {
        let back = Instant::now();
        let instances = instances_of(stack, name);
        for instance in &instances {
            acts = acts.and(runner.start(instance).await);
        }
        if witnesses.contains(&name) {
            for instance in instances {
                let alive = asked(running, &instance, "health", Some).await;
                late.alive.insert(instance, alive);
            }
        }
        if let Some(dependency) = of(name) {
            let mut accepted = BTreeMap::new();
            for witness in dependency.instances(stack) {
                let up = |answer: Answer| {
                    (says_of(&answer, &dependency.name).as_deref() == Some("up")).then(|| back.elapsed())
                };
                accepted.insert(witness.clone(), asked(running, &witness, "ready", up).await);
            }
            late.accepted.insert(dependency.name.clone(), accepted);
        }
    }
    acts.map_err(told)?;
    for witness in witnesses.iter().flat_map(|witness| instances_of(stack, witness)) {
        let restarts = runner.state(&witness).await.map_err(told)?.restarts;
        late.restarts.insert(witness, restarts);
    }
    let names: Vec<&str> = dependencies.iter().map(|dependency| dependency.name.as_str()).collect();
    events.send(Event::Note(format!("started before {}", names.join(" and "))));
    Ok(late)
}

/// Asks an instance for `/WHAT` until it gives an answer that is as `wanted`.
async fn asked<T>(
    running: &RunningStack,
    instance: &str,
    what: &str,
    wanted: impl Fn(Answer) -> Option<T>,
) -> Seen<T> {
    let asked = poll::until(GREEN_WITHIN, || async {
        let Ok(client) = running.client_of(instance).await else {
            return Attempt::NotYet("not reachable".into());
        };
        match client.get(&format!("late.{what}"), &format!("/{what}")).await.answer {
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                wanted(answer).map_or(Attempt::NotYet(body), Attempt::Ready)
            }
            Err(error) => Attempt::NotYet(error),
        }
    });
    asked.await.map_err(|not| not.to_string())
}
