//! A stack that another command left running: its instances and their logs, however it is run.

use std::{
    io::{self, SeekFrom},
    path::PathBuf,
};

use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};

use super::{Containers, Runner, RunnerError, last_lines, processes};
use crate::{
    platform::{Platform, RunnerKind},
    poll,
    reaper::FoundRun,
    run::Run,
};

/// A stack that was found running.
pub enum LeftRunning {
    /// Its containers tell.
    Containers(Box<Containers>),
    /// The files in its folder tell.
    Processes(PathBuf),
}

impl LeftRunning {
    /// Looks at a run that was found.
    pub fn attach(platform: &Platform, found: FoundRun) -> Self {
        match (platform, found.runner) {
            (Platform::Engine(engine), RunnerKind::Containers) => {
                let run =
                    Run { id: found.id, folder: found.folder, owner: found.owner, marker: String::new() };
                Self::Containers(Box::new(Containers::attach(engine, run)))
            }
            _ => Self::Processes(found.folder),
        }
    }

    /// Its instances, by name.
    pub async fn instances(&self) -> Result<Vec<String>, RunnerError> {
        match self {
            Self::Containers(containers) => containers.found().await,
            Self::Processes(folder) => processes::instances_with_logs(folder).map_err(reading(folder)),
        }
    }

    /// What an instance has said, or the last lines of it.
    pub async fn logs(&self, instance: &str, tail: Option<usize>) -> Result<Vec<u8>, RunnerError> {
        match self {
            Self::Containers(containers) => containers.logs(instance, tail).await,
            Self::Processes(folder) => {
                let file = processes::log_of(folder, instance);
                let log = tokio::fs::read(&file).await.map_err(reading(&file))?;
                Ok(last_lines(&log, tail))
            }
        }
    }

    /// Hands every line of an instance's log to `line`, and further ones as they come, until the run ends.
    pub async fn follow(
        &self,
        instance: &str,
        tail: Option<usize>,
        mut line: impl FnMut(&str),
    ) -> Result<(), RunnerError> {
        let folder = match self {
            Self::Containers(containers) => return containers.follow(instance, tail, line).await,
            Self::Processes(folder) => folder,
        };
        let path = processes::log_of(folder, instance);
        let said = self.logs(instance, tail).await?;
        String::from_utf8_lossy(&said).lines().for_each(&mut line);
        let mut file = File::open(&path).await.map_err(reading(&path))?;
        file.seek(SeekFrom::End(0)).await.map_err(reading(&path))?;
        let mut unfinished = Vec::new();
        while path.exists() {
            let read = file.read_to_end(&mut unfinished).await.map_err(reading(&path))?;
            if read == 0 {
                tokio::time::sleep(poll::INTERVAL).await;
            }
            if let Some(end) = unfinished.iter().rposition(|byte| *byte == b'\n') {
                let whole: Vec<u8> = unfinished.drain(..=end).collect();
                String::from_utf8_lossy(&whole).lines().for_each(&mut line);
            }
        }
        Ok(())
    }
}

fn reading(path: &std::path::Path) -> impl Fn(io::Error) -> RunnerError {
    let act = format!("reading {}", path.display());
    move |error| RunnerError { act: act.clone(), found: error.to_string() }
}
