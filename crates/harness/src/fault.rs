//! Faults: what goes wrong from outside, confirmed to be in place, and undone.

use crate::{
    runner::{Phase, all_of, instances},
    running::RunningStack,
};

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every instance of a service is stopped, and started again to undo it.
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
        let before = match self {
            Self::Stopped(service) => {
                let all = instances(service, running.service(service)?);
                if let Err(why) = stop(running, &all).await {
                    // Half a fault is in nobody's hands to undo.
                    drop(start(running, &all).await);
                    return Err(why);
                }
                String::new()
            }
            Self::Unwritable { volume } => {
                let before = mode(running, volume).await?;
                chmod(running, volume, "a-w").await?;
                let now = mode(running, volume).await;
                if !now.as_ref().is_ok_and(|now| !is_writable(now)) {
                    chmod(running, volume, &before).await?;
                    return Err(format!(
                        "the folder of volume `{volume}` has mode {now:?} after `chmod a-w`"
                    ));
                }
                before
            }
        };
        Ok(Injected { fault: self.clone(), before })
    }
}

impl Injected {
    /// Takes the fault away again.
    pub async fn undo(self, running: &RunningStack) -> Result<(), String> {
        match &self.fault {
            Fault::Stopped(service) => start(running, &instances(service, running.service(service)?)).await,
            Fault::Unwritable { volume } => {
                chmod(running, volume, &self.before).await?;
                let now = mode(running, volume).await?;
                if now == self.before {
                    Ok(())
                } else {
                    Err(format!("the folder of volume `{volume}` has mode {now} where {} was", self.before))
                }
            }
        }
    }
}

/// Stops instances and sees that none of them runs.
async fn stop(running: &RunningStack, all: &[String]) -> Result<(), String> {
    let runner = running.runner();
    let stopped = all_of(all.iter().map(|instance| runner.stop(instance))).await;
    stopped.map_err(|error| error.to_string())?;
    for instance in all {
        let state = runner.state(instance).await.map_err(|error| error.to_string())?;
        if state.phase == Phase::Running {
            return Err(format!("`{instance}` was stopped, and still runs"));
        }
    }
    Ok(())
}

/// Starts instances.
async fn start(running: &RunningStack, all: &[String]) -> Result<(), String> {
    let started = all_of(all.iter().map(|instance| running.runner().start(instance))).await;
    started.map_err(|error| error.to_string())
}

async fn mode(running: &RunningStack, volume: &str) -> Result<String, String> {
    let output = running.runner().toolbox(volume, &["stat", "-c", "%a", "/volume"]).await;
    Ok(String::from_utf8_lossy(&output.map_err(|error| error.to_string())?).trim().to_owned())
}

/// Whether an octal mode lets anybody write.
fn is_writable(mode: &str) -> bool {
    u32::from_str_radix(mode, 8).is_ok_and(|mode| mode & 0o222 != 0)
}

/// Changes the mode of a volume's top folder.
async fn chmod(running: &RunningStack, volume: &str, to: &str) -> Result<(), String> {
    let changed = running.runner().toolbox(volume, &["chmod", to, "/volume"]).await;
    changed.map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_writable_when_anybody_may_write() {
        assert!(is_writable("2770") && is_writable("702"));
        assert!(!is_writable("2550") && !is_writable("555"));
    }
}
