//! What belongs to a run of processes: everything whose working directory lies below the run's folder. A word in the folder
//! says whose the run is.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::usage;
use crate::{
    platform::RunnerKind,
    poll::{self, Attempt},
    reaper::FoundRun,
    run::{Run, RunId},
};

/// The file in a run's folder that says that it is one of processes, and who owns it.
const OWNER: &str = "processes-of";
/// Processes that were killed are gone within this.
const GONE_WITHIN: Duration = Duration::from_secs(20);

/// Says whose the run is.
pub(super) fn mark(run: &Run) -> io::Result<()> {
    fs::write(run.folder.join(OWNER), &run.owner)
}

/// The runs of processes on this machine, as far as this user may see them.
pub(crate) fn runs() -> Vec<FoundRun> {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let mut found: Vec<FoundRun> = entries.filter_map(|entry| run_in(entry.path())).collect();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found
}

fn run_in(folder: PathBuf) -> Option<FoundRun> {
    let name = folder.file_name()?.to_str()?;
    let id = RunId::parse(name.strip_prefix("shakedown-")?.strip_suffix("-run")?)?;
    let owner = fs::read_to_string(folder.join(OWNER)).ok()?;
    Some(FoundRun { id, folder, owner, runner: RunnerKind::Processes })
}

/// Where a run's volumes are: in its folder, or by a link from there.
pub(super) fn volumes_in(folder: &Path) -> PathBuf {
    folder.join("volumes")
}

/// Kills every process of the run in `folder`, and returns once none is left.
pub(crate) async fn sweep(folder: &Path) -> Result<(), String> {
    // A program that works in a volume works in what the link leads to.
    let volumes = volumes_in(folder).canonicalize();
    let places: Vec<&Path> = std::iter::once(folder).chain(volumes.as_deref().ok()).collect();
    let swept = poll::until(GONE_WITHIN, || async {
        let left = processes_in(&places);
        for pid in &left {
            // Gone already is as good as killed.
            let _ = kill_process(*pid, Signal::KILL);
        }
        match left.len() {
            0 => Attempt::Ready(()),
            count => Attempt::NotYet(format!("{count} processes were still there")),
        }
    });
    swept.await.map_err(|not| not.to_string())
}

fn processes_in(places: &[&Path]) -> Vec<Pid> {
    // A folder that is gone already still begins with its name.
    let is_in = |pid: &Pid| {
        let cwd = fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero()));
        cwd.is_ok_and(|cwd| places.iter().any(|place| cwd.starts_with(place)))
    };
    usage::all().into_iter().filter(is_in).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn whatever_works_below_the_folder_is_killed_and_nothing_else() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let below = ours.path().join("instances/api");
        fs::create_dir_all(&below).unwrap();
        let sleep = |folder: &Path| Command::new("sleep").arg("60").current_dir(folder).spawn().unwrap();
        let (mut one, mut other) = (sleep(&below), sleep(theirs.path()));
        // A test is the parent here, and must see its child off before it is gone.
        let seen_off = tokio::task::spawn_blocking(move || one.wait().unwrap());
        sweep(ours.path()).await.unwrap();
        assert!(!seen_off.await.unwrap().success());
        assert!(other.try_wait().unwrap().is_none(), "another's process was killed");
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[tokio::test]
    async fn whatever_works_in_volumes_that_outlive_the_run_is_killed_too() {
        let (run, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(data.path(), volumes_in(run.path())).unwrap();
        let mut program = Command::new("sleep").arg("60").current_dir(data.path()).spawn().unwrap();
        let seen_off = tokio::task::spawn_blocking(move || program.wait().unwrap());
        sweep(run.path()).await.unwrap();
        assert!(!seen_off.await.unwrap().success());
        assert!(data.path().is_dir());
    }
}
