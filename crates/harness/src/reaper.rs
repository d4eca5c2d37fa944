//! The reaper: removes what a dead run owned, whatever killed it.
//!
//! It is this same program once more, in a process group of its own, holding the other end of a pipe. When the pipe
//! ends without a word of release, the run's process is gone, and everything with the run's label is removed. Should
//! the reaper be killed too, the next run finds the owner gone and does the work.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bollard::{
    Docker,
    errors::Error,
    query_parameters::{
        ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
        RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder,
    },
};

use crate::{
    engine::{Engine, innermost},
    platform::{Platform, RunnerKind},
    poll::{self, Attempt},
    run::{
        LABEL_FOLDER, LABEL_MARKER, LABEL_OWNER, LABEL_RUN, OWNER_NOBODY, Owner, Run, RunId, remove_folder,
    },
    runner::{runs_of_processes, sweep_processes},
};

/// The variable by which a program knows that it is to be the reaper of a run: `RUN MARKER VOLUMES FOLDER`.
const ASKED: &str = "SHAKEDOWN_REAPER";
/// The word that lets the reaper go without removing anything.
const RELEASE: &[u8] = b"release";
/// How long removal may take before the reaper gives up: the engine may be busy, or starting what was asked of it last.
const SWEEP_WITHIN: Duration = Duration::from_mins(1);
/// The same for what is left of a dead run, while somebody waits for a run of their own to begin.
const ORPHAN_WITHIN: Duration = Duration::from_secs(5);

/// Whether this program would serve as reaper when it is started as one.
static CAN_SERVE: AtomicBool = AtomicBool::new(false);

/// Holds a run: as long as this lives, the reaper waits.
#[derive(Debug)]
pub struct Lease {
    child: Child,
    volumes: Volumes,
}

impl Lease {
    /// What becomes of the run's volumes when the run dies.
    pub fn volumes(&self) -> Volumes {
        self.volumes
    }

    /// Starts the reaper of `run`. The program's `main` must begin with [`serve_if_asked`].
    pub fn take(run: &Run, volumes: Volumes) -> io::Result<Self> {
        if !CAN_SERVE.load(Ordering::Relaxed) {
            // Started as a reaper, such a program would do its own work all over again instead.
            return Err(io::Error::other(
                "this program's `main` does not begin with `reaper::serve_if_asked`",
            ));
        }
        let mut command = Command::new(std::env::current_exe()?);
        command
            .env(ASKED, format!("{} {} {} {}", run.id, run.marker, volumes.word(), run.folder.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal reaches the whole process group; the reaper must outlive it.
            .process_group(0);
        Ok(Self { child: command.spawn()?, volumes })
    }

    /// Lets the reaper go: nothing is owed any more, or the stack is meant to stay.
    pub fn release(mut self) {
        if let Some(mut pipe) = self.child.stdin.take() {
            let _ = pipe.write_all(RELEASE);
        }
        let _ = self.child.wait();
    }
}

/// What becomes of a run's volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volumes {
    /// They go with the run.
    Remove,
    /// They stay for the next run of that name.
    Keep,
}

impl Volumes {
    fn word(self) -> &'static str {
        match self {
            Self::Remove => "remove",
            Self::Keep => "keep",
        }
    }
}

/// Serves as reaper where this process was started as one, and says with which exit code to end. To be called first
/// thing in `main` of every program that brings stacks up.
pub fn serve_if_asked() -> Option<ExitCode> {
    CAN_SERVE.store(true, Ordering::Relaxed);
    let asked = std::env::var(ASKED).ok()?;
    let (id, rest) = asked.split_once(' ')?;
    let (marker, rest) = rest.split_once(' ')?;
    let (volumes, folder) = rest.split_once(' ')?;
    let id = RunId::parse(id)?;
    let volumes = if volumes == Volumes::Keep.word() { Volumes::Keep } else { Volumes::Remove };
    let mut word = Vec::new();
    let _ = io::stdin().read_to_end(&mut word);
    if word == RELEASE {
        return Some(ExitCode::SUCCESS);
    }
    let removed = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| {
            runtime.block_on(remove_dead_run(&Owned::by(&id, marker), volumes, &PathBuf::from(folder)))
        });
    Some(if removed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn remove_dead_run(owned: &Owned, volumes: Volumes, folder: &Path) -> Result<(), String> {
    // The planted secrets first: they must go even where the engine does not answer. Programs that work in the folder are
    // ended before, or they would go on writing into it.
    let of_processes = runs_of_processes().iter().any(|run| run.folder == folder);
    let swept = if of_processes { sweep_processes(folder).await } else { Ok(()) };
    let folder_removed = remove_folder(folder).map_err(|error| error.to_string());
    if of_processes {
        return swept.and(folder_removed);
    }
    let engine = Engine::connect().await.map_err(|error| error.to_string())?;
    sweep(&engine.docker, owned, volumes).await?;
    // What the engine was still creating when the run died shows up late: look again until a look finds nothing.
    tokio::time::sleep(Duration::from_secs(1)).await;
    sweep(&engine.docker, owned, volumes).await?;
    folder_removed
}

/// What is to be removed, by the labels that it bears.
#[derive(Clone, Debug)]
pub struct Owned(Vec<String>);

impl Owned {
    /// All that any run of this id owns.
    pub fn of(id: &RunId) -> Self {
        Self(vec![format!("{LABEL_RUN}={id}")])
    }

    /// All that this very run owns, and nothing of a later one that has the same id.
    pub fn by(id: &RunId, marker: &str) -> Self {
        Self(vec![format!("{LABEL_RUN}={id}"), format!("{LABEL_MARKER}={marker}")])
    }
}

/// Removes every container, network and volume that is owned, and returns once none is left.
pub async fn sweep(docker: &Docker, owned: &Owned, volumes: Volumes) -> Result<(), String> {
    sweep_within(SWEEP_WITHIN, docker, owned, volumes).await
}

async fn sweep_within(
    within: Duration,
    docker: &Docker,
    owned: &Owned,
    volumes: Volumes,
) -> Result<(), String> {
    poll::until(within, || async {
        match sweep_once(docker, owned, volumes).await {
            Ok(0) => Attempt::Ready(()),
            Ok(left) => Attempt::NotYet(format!("{left} things were still there")),
            Err(error) => Attempt::NotYet(innermost(&error)),
        }
    })
    .await
    .map_err(|error| error.to_string())
}

/// One look: removes what is found and returns how much that was.
async fn sweep_once(docker: &Docker, owned: &Owned, volumes: Volumes) -> Result<usize, Error> {
    let filters = HashMap::from([("label", owned.0.clone())]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let containers = docker.list_containers(Some(options)).await?;
    let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let removals = containers.iter().filter_map(|container| container.id.as_deref()).map(|id| {
        let force = force.clone();
        async move { forgiving(docker.remove_container(id, Some(force)).await) }
    });
    futures::future::try_join_all(removals).await?;

    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let networks = docker.list_networks(Some(options)).await?;
    for name in networks.iter().filter_map(|network| network.name.as_deref()) {
        forgiving(docker.remove_network(name).await)?;
    }
    let mut found = containers.len() + networks.len();
    if volumes == Volumes::Remove {
        let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let listed = docker.list_volumes(Some(options)).await?.volumes.unwrap_or_default();
        for volume in &listed {
            let options = RemoveVolumeOptionsBuilder::new().force(true).build();
            forgiving(docker.remove_volume(&volume.name, Some(options)).await)?;
        }
        found += listed.len();
    }
    Ok(found)
}

/// Gone already, or being removed by somebody else: as good as removed.
fn forgiving(removed: Result<(), Error>) -> Result<(), Error> {
    match removed {
        Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
        other => other,
    }
}

/// Removes everything that is owned, as it runs on this platform, but for the run's folder.
pub async fn remove(
    platform: &Platform,
    owned: &Owned,
    volumes: Volumes,
    folder: &Path,
) -> Result<(), String> {
    match platform {
        Platform::Engine(engine) => sweep(&engine.docker, owned, volumes).await,
        Platform::Machine => sweep_processes(folder).await,
    }
}

/// A run that has containers on the engine, or processes on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRun {
    /// Its id.
    pub id: RunId,
    /// Its folder on the host.
    pub folder: PathBuf,
    /// Who owns it.
    pub owner: String,
    /// How it is run.
    pub runner: RunnerKind,
}

impl FoundRun {
    /// Ends it, and removes what is left of it.
    pub async fn end(&self, platform: &Platform, volumes: Volumes) -> Result<(), String> {
        let of = match self.runner {
            RunnerKind::Containers => platform,
            RunnerKind::Processes => &Platform::Machine,
        };
        remove(of, &Owned::of(&self.id), volumes, &self.folder).await?;
        remove_folder(&self.folder).map_err(|error| error.to_string())
    }
}

/// Every run on this machine, and on its engine where there is one.
pub async fn runs(platform: &Platform) -> Result<Vec<FoundRun>, String> {
    let mut runs = runs_of_processes();
    if let Platform::Engine(engine) = platform {
        runs.extend(runs_on(&engine.docker).await.map_err(|error| innermost(&error))?);
    }
    Ok(runs)
}

/// The runs that have anything on the engine: containers, networks or volumes.
async fn runs_on(docker: &Docker) -> Result<Vec<FoundRun>, Error> {
    let filters = HashMap::from([("label", vec![LABEL_RUN.to_owned()])]);
    let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let containers = docker.list_containers(Some(containers)).await?;
    let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let networks = docker.list_networks(Some(networks)).await?;
    let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
    let volumes = docker.list_volumes(Some(volumes)).await?.volumes.unwrap_or_default();
    let labels = containers
        .into_iter()
        .filter_map(|container| container.labels)
        .chain(networks.into_iter().filter_map(|network| network.labels))
        .chain(volumes.into_iter().map(|volume| volume.labels));
    let mut runs: Vec<FoundRun> = labels
        .filter_map(|labels| {
            Some(FoundRun {
                id: RunId::parse(labels.get(LABEL_RUN)?)?,
                folder: PathBuf::from(labels.get(LABEL_FOLDER)?),
                owner: labels.get(LABEL_OWNER)?.clone(),
                runner: RunnerKind::Containers,
            })
        })
        .collect();
    runs.sort_by(|a, b| a.id.cmp(&b.id));
    runs.dedup_by(|a, b| a.id == b.id);
    Ok(runs)
}

/// Removes the runs whose owner is gone: their reaper was killed with them. Returns their ids, each with why something
/// of it is still there: an engine may hold on to a network for good, and that is no reason to begin nothing ever again.
pub async fn remove_orphans(platform: &Platform) -> Result<Vec<(RunId, Result<(), String>)>, String> {
    let mut removed = Vec::new();
    let is_dead = |run: &FoundRun| run.owner != OWNER_NOBODY && Owner::is_gone(&run.owner);
    for run in runs_of_processes().into_iter().filter(is_dead) {
        let swept = sweep_processes(&run.folder).await;
        let folder = remove_folder(&run.folder).map_err(|error| error.to_string());
        removed.push((run.id, swept.and(folder)));
    }
    let Platform::Engine(engine) = platform else { return Ok(removed) };
    let docker = &engine.docker;
    for run in runs_on(docker).await.map_err(|error| innermost(&error))? {
        if is_dead(&run) {
            let swept = sweep_within(ORPHAN_WITHIN, docker, &Owned::of(&run.id), Volumes::Remove).await;
            let _ = remove_folder(&run.folder);
            removed.push((run.id, swept));
        }
    }
    Ok(removed)
}
