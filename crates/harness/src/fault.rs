//! Faults: what goes wrong from outside, confirmed to be in place, and undone.

use crate::{runner::Phase, running::RunningStack};

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An instance is stopped, and started again to undo it.
    Stopped(String),
    /// A volume's top folder takes no writes, and takes them again to undo it.
    Unwritable {
        /// The volume of the stack.
        volume: String,
    },
}

/// A fault that is in place. To be undone by [`Injected::undo`]; the stack is torn down in any case.
#[derive(Debug)]
#[must_use = "a fault that is not undone spoils what is looked at next"]
pub struct Injected {
    fault: Fault,
    /// What it was like before: the folder's mode.
    before: String,
}

impl Fault {
    /// Puts the fault in place and sees that it is.
    pub async fn inject(&self, running: &RunningStack) -> Result<Injected, String> {
        let runner = running.runner();
        let before = match self {
            Self::Stopped(instance) => {
                runner.stop(instance).await.map_err(|error| error.to_string())?;
                let state = runner.state(instance).await.map_err(|error| error.to_string())?;
                if state.phase == Phase::Running {
                    return Err(format!("`{instance}` was stopped, and still runs"));
                }
                String::new()
            }
            Self::Unwritable { volume } => {
                let before = mode(running, volume).await?;
                chmod(running, volume, "0550").await?;
                before
            }
        };
        Ok(Injected {
            fault: self.clone(),
            before,
        })
    }
}

impl Injected {
    /// Takes the fault away again.
    pub async fn undo(self, running: &RunningStack) -> Result<(), String> {
        match &self.fault {
            Fault::Stopped(instance) => running
                .runner()
                .start(instance)
                .await
                .map_err(|error| error.to_string()),
            Fault::Unwritable { volume } => chmod(running, volume, &self.before).await,
        }
    }
}

async fn mode(running: &RunningStack, volume: &str) -> Result<String, String> {
    let output = running
        .runner()
        .toolbox(volume, &["stat", "-c", "%a", "/volume"])
        .await;
    Ok(
        String::from_utf8_lossy(&output.map_err(|error| error.to_string())?)
            .trim()
            .to_owned(),
    )
}

/// Changes the mode of a volume's top folder, and sees that it was changed.
async fn chmod(running: &RunningStack, volume: &str, to: &str) -> Result<(), String> {
    running
        .runner()
        .toolbox(volume, &["chmod", to, "/volume"])
        .await
        .map_err(|error| error.to_string())?;
    let now = mode(running, volume).await?;
    if now.trim_start_matches('0') == to.trim_start_matches('0') {
        Ok(())
    } else {
        Err(format!(
            "the folder of volume `{volume}` has mode {now} after `chmod {to}`"
        ))
    }
}
