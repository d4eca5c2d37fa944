//! The wish to stop: SIGTERM or SIGINT, seen by everyone who holds a clone.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Becomes *requested* once and stays so. Clones see the same wish.
#[derive(Clone)]
pub struct Shutdown {
    sender: watch::Sender<bool>,
}

impl Shutdown {
    /// One that only [`Shutdown::request`] triggers.
    pub fn manual() -> Self {
        Self { sender: watch::Sender::new(false) }
    }

    /// One that SIGTERM and SIGINT trigger as well. Needs a tokio runtime.
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::manual();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let wish = shutdown.clone();
        tokio::spawn(async move {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            tracing::info!(signal = name, "stopping");
            wish.request();
        });
        Ok(shutdown)
    }

    /// Asks everyone to stop.
    pub fn request(&self) {
        self.sender.send_replace(true);
    }

    /// Whether stopping was asked for.
    pub fn is_requested(&self) -> bool {
        *self.sender.borrow()
    }

    /// Waits until stopping is asked for; at once if it was already.
    pub async fn requested(&self) {
        let mut receiver = self.sender.subscribe();
        // Cannot fail: this clone keeps the sender alive.
        let _ = receiver.wait_for(|requested| *requested).await;
    }
}
