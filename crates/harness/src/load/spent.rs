//! What a running stack spends: processor time and memory, as the engine counts them.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    poll::{self, Attempt},
    runner::{Phase, instances, service_of},
    running::RunningStack,
};

/// Between two looks at the memory.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// What a running instance spends is told within this.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

/// Processor time by service, all its instances together.
pub(super) type Spent = BTreeMap<String, Duration>;

/// The processor time that each service of a stack spent so far. What does not run now spends nothing from now on.
pub(super) async fn so_far(running: &RunningStack) -> Result<Spent, String> {
    let mut spent = Spent::new();
    for instance in daemons(running) {
        let state = running.runner().state(&instance).await.map_err(|error| error.to_string())?;
        if state.phase != Phase::Running {
            continue;
        }
        // Docker tells nothing now and then of a container that runs.
        let usage = poll::until(TOLD_WITHIN, || async {
            match running.runner().usage(&instance).await {
                Ok(usage) => Attempt::Ready(usage),
                Err(error) => Attempt::NotYet(error.to_string()),
            }
        });
        let usage = usage.await.map_err(|not| not.to_string())?;
        *spent.entry(service_of(&instance).to_owned()).or_default() += usage.processor;
    }
    Ok(spent)
}

/// What was spent between two moments.
pub(super) fn since(before: &Spent, after: &Spent) -> Spent {
    let earlier = |service: &String| before.get(service).copied().unwrap_or_default();
    after.iter().map(|(service, spent)| (service.clone(), spent.saturating_sub(earlier(service)))).collect()
}

/// The most memory that an instance of each service was seen with, in bytes.
#[derive(Debug, Default)]
pub(super) struct Peaks(Mutex<BTreeMap<String, u64>>);

impl Peaks {
    /// Does `work`, and looks at the memory all the while and once more after it.
    pub(super) async fn during<T>(&self, running: &RunningStack, work: impl Future<Output = T>) -> T {
        let done = tokio::select! {
            done = work => done,
            never = self.watch(running) => match never {},
        };
        self.look(running).await;
        done
    }

    async fn watch(&self, running: &RunningStack) -> Infallible {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            looks.tick().await;
            self.look(running).await;
        }
    }

    async fn look(&self, running: &RunningStack) {
        for instance in daemons(running) {
            // An instance that was stopped meanwhile needs none.
            let Ok(usage) = running.runner().usage(&instance).await else { continue };
            let mut peaks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let peak = peaks.entry(service_of(&instance).to_owned()).or_default();
            *peak = usage.memory_bytes.max(*peak);
        }
    }

    /// Peak in bytes of an instance of this service, where one was seen.
    pub(super) fn of(&self, service: &str) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(service).copied()
    }

    /// Peak and limit in bytes of each service that has a limit.
    pub(super) fn against_limits(&self, running: &RunningStack) -> Vec<(String, u64, u64)> {
        let peaks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = |service: &String| running.stack().services.get(service)?.memory_limit;
        peaks.iter().filter_map(|(service, peak)| Some((service.clone(), *peak, limit(service)?))).collect()
    }
}

fn daemons(running: &RunningStack) -> Vec<String> {
    let services = running.stack().services.iter().filter(|(_, service)| service.kind == stack::Kind::Daemon);
    services.flat_map(|(name, service)| instances(name, service)).collect()
}
