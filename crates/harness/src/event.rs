//! What happens while a gate works, for whoever shows progress. The harness itself prints nothing.

use std::time::Duration;

use crate::{canary::Search, verdict::Verdict};

/// Something a person who waits wants to know.
#[derive(Clone, Debug)]
pub enum Event {
    /// A step of the gate begins.
    Step(String),
    /// A step of the gate ended after this long.
    StepDone(String, Duration),
    /// A service was started.
    Started(String),
    /// A service is ready, or a oneshot is done, this long after its start.
    Ready(String, Duration),
    /// What is waited for, and what was last seen.
    Waiting(String, String),
    /// A check was judged.
    Judged(Verdict),
    /// Something a person should know, whatever the verdict.
    Note(String),
}

/// Takes events. Cheap to clone, and never blocks.
#[derive(Clone)]
pub struct Events(std::sync::Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Events go to `listener`.
    pub fn to(listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(std::sync::Arc::new(listener))
    }

    /// Events go nowhere.
    pub fn ignored() -> Self {
        Self::to(|_| ())
    }

    /// The same, with every secret that `search` knows taken out of what services said.
    #[must_use]
    pub fn redacted(&self, search: Search) -> Self {
        let events = self.clone();
        Self::to(move |event| {
            events.send(match event {
                Event::Waiting(service, seen) => Event::Waiting(service, search.redact(&seen)),
                Event::Note(text) => Event::Note(search.redact(&text)),
                other => other,
            });
        })
    }

    /// Tells the listener.
    pub fn send(&self, event: Event) {
        (self.0)(event);
    }

    /// Runs a step between its two events.
    pub async fn step<T>(&self, name: &str, work: impl Future<Output = T>) -> T {
        self.send(Event::Step(name.into()));
        let start = std::time::Instant::now();
        let done = work.await;
        self.send(Event::StepDone(name.into(), start.elapsed()));
        done
    }
}
