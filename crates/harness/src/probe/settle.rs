//! The settle window: what came up stays up.

use std::{collections::BTreeMap, time::Duration};

use stack::Kind;
use tokio::time::{Instant, sleep_until};

use crate::{
    observation::{Seen, Settle},
    probe::readiness,
    runner::{instances, port_of},
    running::RunningStack,
};

/// Between looks.
const EVERY: Duration = Duration::from_millis(250);
/// The engine's health check may be asked only every few seconds: this much longer than the window it gets.
const HEALTH_WITHIN: Duration = Duration::from_secs(10);

/// Looks at every daemon, again and again, for the settle window.
pub async fn observe(running: &RunningStack) -> Seen<BTreeMap<String, Settle>> {
    let end = Instant::now() + running.stack().options.settle;
    let daemons = running.stack().services.iter().filter(|(_, service)| service.kind == Kind::Daemon);
    let watches = daemons.flat_map(|(name, service)| instances(name, service)).map(|instance| async move {
        let settle = watch(running, &instance, end).await;
        (instance, settle)
    });
    Ok(futures::future::join_all(watches).await.into_iter().collect())
}

async fn watch(running: &RunningStack, instance: &str, end: Instant) -> Settle {
    let mut settle = Settle::default();
    let mut next = Instant::now();
    loop {
        settle.looks += 1;
        let mut looked = look(running, instance).await;
        if looked.as_ref().is_err_and(|seen| seen.contains(readiness::NO_ANSWER)) {
            // A slow machine is no flap: only two looks in a row without an answer are.
            looked = look(running, instance).await;
        }
        match looked {
            Ok(()) => settle.ready += 1,
            Err(seen) => settle.last_not_ready = Some(seen),
        }
        next += EVERY;
        if next >= end {
            break;
        }
        sleep_until(next).await;
    }
    let has_health = running
        .service(crate::runner::service_of(instance))
        .is_ok_and(|service| service.healthcheck.as_ref().is_some_and(|check| !check.test.is_empty()));
    let state = crate::poll::until(HEALTH_WITHIN, || async {
        match running.runner().state(instance).await {
            Ok(state) if has_health && state.health.as_deref() == Some("starting") => {
                crate::poll::Attempt::NotYet("starting".into())
            }
            Ok(state) => crate::poll::Attempt::Ready(state),
            Err(error) => crate::poll::Attempt::NotYet(error.to_string()),
        }
    })
    .await;
    match state {
        Ok(state) => {
            settle.restarts = state.restarts;
            settle.health = state.health;
        }
        Err(not) => settle.health = Some(not.last_seen),
    }
    settle
}

async fn look(running: &RunningStack, instance: &str) -> Result<(), String> {
    let state = running.runner().state(instance).await.map_err(|error| error.to_string())?;
    if state.phase != crate::runner::Phase::Running {
        return Err(state.describe());
    }
    let service = running.service(crate::runner::service_of(instance))?;
    let Some(ready) = &service.ready else {
        return Ok(());
    };
    let address = running.endpoint(instance, port_of(ready)).await?;
    readiness::attempt(ready, address, &running.secrets()).await
}
