//! One program of a stack: started in a process group of its own, watched to its end, its output kept in a file.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use stack::{Healthcheck, RestartPolicy};
use time::OffsetDateTime;
use tokio::{
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use super::user::User;
use crate::{
    poll::{self, Attempt},
    runner::{Phase, State},
};

/// What the specification gives a health check where it says nothing.
const HEALTH_INTERVAL: Duration = Duration::from_secs(30);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(30);
const HEALTH_RETRIES: u64 = 3;
/// A process that was killed is gone within this.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Before a program is started again, doubled each time: what an engine does.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How an instance is started.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    /// Its working directory, below the run's folder: that is how everything that a run started is known.
    pub(super) folder: PathBuf,
    pub(super) log: PathBuf,
    pub(super) stop_signal: Signal,
    pub(super) grace: Duration,
    pub(super) restart: RestartPolicy,
    pub(super) health: Option<Health>,
    /// Where it is not given, the harness's own is in force.
    pub(super) core_limit: Option<LimitOnCores>,
}

/// The limit on core files that a program is started under.
#[derive(Clone, Debug)]
pub(super) struct LimitOnCores {
    /// A bash, which can set it: nothing of ours may run between a fork and what is executed, and a process of another user
    /// can be given a limit by nobody but itself.
    pub(super) shell: PathBuf,
    /// Soft and hard limit, in bytes; below 0 there is none.
    pub(super) bytes: (i64, i64),
}

impl LimitOnCores {
    /// Becomes the program, in the same process.
    const SCRIPT: &str = r#"ulimit -S -c "$1" && ulimit -H -c "$2" && shift 2 && exec "$@""#;
    /// What bash counts a core file in (its `ulimit -a` says so).
    const BLOCK: i64 = 1024;

    fn arguments(&self, program: &Path, arguments: &[String]) -> Vec<String> {
        let blocks = |limit: i64| match limit {
            ..0 => "unlimited".to_owned(),
            bytes => (bytes / Self::BLOCK).to_string(),
        };
        let (soft, hard) = self.bytes;
        let program = program.display().to_string();
        let first = [
            "-c".to_owned(),
            Self::SCRIPT.to_owned(),
            "limited".to_owned(),
            blocks(soft),
            blocks(hard),
            program,
        ];
        first.into_iter().chain(arguments.iter().cloned()).collect()
    }
}

/// A health check as a command of this machine.
#[derive(Clone, Debug)]
pub(super) struct Health {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) retries: u64,
    pub(super) start_period: Duration,
}

impl Health {
    pub(super) fn of(check: &Healthcheck, program: PathBuf, arguments: Vec<String>) -> Self {
        Self {
            program,
            arguments,
            interval: check.interval.unwrap_or(HEALTH_INTERVAL),
            timeout: check.timeout.unwrap_or(HEALTH_TIMEOUT),
            retries: check.retries.unwrap_or(HEALTH_RETRIES),
            start_period: check.start_period.unwrap_or_default(),
        }
    }
}

/// An instance, running or not.
#[derive(Debug)]
pub(super) struct Program {
    shared: Arc<Shared>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What an instance shares with who watches it.
#[derive(Debug)]
struct Shared {
    start: Start,
    user: User,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    state: State,
    pid: Option<Pid>,
    /// Somebody started it, and nobody stopped it since.
    wanted: bool,
}

impl Drop for Program {
    fn drop(&mut self) {
        for task in self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

impl Program {
    pub(super) fn new(start: Start, user: User) -> Self {
        let state = State {
            phase: Phase::Created,
            exit_code: None,
            oom_killed: false,
            restarts: 0,
            started_at: None,
            finished_at: None,
            health: start.health.as_ref().map(|_| "starting".into()),
            error: None,
        };
        let seen = Mutex::new(Seen { state, pid: None, wanted: false });
        Self { shared: Arc::new(Shared { start, user, seen }), tasks: Mutex::default() }
    }

    pub(super) fn state(&self) -> State {
        self.shared.look().state.clone()
    }

    pub(super) fn how(&self) -> &Start {
        &self.shared.start
    }

    pub(super) fn pid(&self) -> Option<Pid> {
        self.shared.look().pid
    }

    /// Starts it, or starts it again.
    pub(super) fn start(&self) -> io::Result<()> {
        if self.pid().is_some() {
            return Ok(());
        }
        let child = self.shared.spawn()?;
        self.shared.look().wanted = true;
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of an earlier start: one may still have to find out that it is over.
        tasks.drain(..).for_each(|task| task.abort());
        tasks.push(tokio::spawn(Arc::clone(&self.shared).watch(child)));
        if let Some(health) = &self.how().health {
            tasks.push(tokio::spawn(Arc::clone(&self.shared).watch_health(health.clone())));
        }
        Ok(())
    }

    /// Sends the stop signal to the program, and kills its whole group when its grace period is over.
    pub(super) async fn stop(&self) -> Result<(), String> {
        self.shared.look().wanted = false;
        let Some(pid) = self.pid() else { return Ok(()) };
        kill_process(pid, self.how().stop_signal).map_err(|error| error.to_string())?;
        if self.is_gone_within(self.how().grace).await.is_err() {
            return self.kill(Signal::KILL).await;
        }
        Ok(())
    }

    /// Ends its whole group by a signal.
    pub(super) async fn kill(&self, signal: Signal) -> Result<(), String> {
        self.shared.look().wanted = false;
        let Some(pid) = self.pid() else { return Ok(()) };
        self.signal_all(signal)?;
        self.is_gone_within(GONE_WITHIN).await.map_err(|not| format!("process {pid:?} was killed: {not}"))
    }

    pub(super) fn signal_all(&self, signal: Signal) -> Result<(), String> {
        let Some(pid) = self.pid() else { return Err("it does not run".into()) };
        kill_process_group(pid, signal).map_err(|error| error.to_string())
    }

    async fn is_gone_within(&self, within: Duration) -> Result<(), poll::NotReached> {
        poll::until(within, || async {
            match self.pid() {
                None => Attempt::Ready(()),
                Some(_) => Attempt::NotYet("it still runs".into()),
            }
        })
        .await
    }
}

impl Shared {
    fn look(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self) -> io::Result<Child> {
        let log = File::options().create(true).append(true).open(&self.start.log)?;
        let Start { program, arguments, .. } = &self.start;
        let mut command = match &self.start.core_limit {
            None => self.command(program, arguments),
            // Bash would tell of it in the log, and nowhere else.
            Some(_) if !program.exists() => return Err(io::ErrorKind::NotFound.into()),
            Some(limit) => self.command(&limit.shell, &limit.arguments(program, arguments)),
        };
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut seen = self.look();
        seen.pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        seen.state.phase = Phase::Running;
        seen.state.exit_code = None;
        seen.state.started_at = Some(OffsetDateTime::now_utc());
        seen.state.health = self.start.health.as_ref().map(|_| "starting".into());
        Ok(child)
    }

    /// Waits for its end, and starts it again as its restart policy says, until nobody wants it any more.
    async fn watch(self: Arc<Self>, mut child: Child) {
        let mut pause = FIRST_PAUSE;
        loop {
            let ended = child.wait().await;
            let (code, error) = match ended {
                Ok(status) => (status.code().or_else(|| killed_by(status)), None),
                Err(error) => (None, Some(error.to_string())),
            };
            let again = {
                let mut seen = self.look();
                seen.pid = None;
                let again = seen.wanted && applies(self.start.restart, code, seen.state.restarts);
                seen.state.phase = if again { Phase::Restarting } else { Phase::Exited };
                seen.state.finished_at = Some(OffsetDateTime::now_utc());
                seen.state.exit_code = code.map(i64::from);
                seen.state.error = error;
                again
            };
            if !again {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            if !self.look().wanted {
                self.look().state.phase = Phase::Exited;
                return;
            }
            match self.spawn() {
                Ok(next) => child = next,
                Err(error) => {
                    let mut seen = self.look();
                    (seen.state.phase, seen.state.error) = (Phase::Exited, Some(error.to_string()));
                    return;
                }
            }
            self.look().state.restarts += 1;
        }
    }

    /// Asks again and again, as an engine does, as long as somebody wants it to run.
    async fn watch_health(self: Arc<Self>, health: Health) {
        let mut asked_of = None;
        let (mut begun, mut failures) = (Instant::now(), 0);
        loop {
            tokio::time::sleep(health.interval).await;
            let (pid, wanted) = {
                let seen = self.look();
                (seen.pid, seen.wanted)
            };
            if !wanted {
                return;
            }
            if pid != asked_of {
                (asked_of, begun, failures) = (pid, Instant::now(), 0);
            }
            let Some(pid) = pid else { continue };
            let mut check = self.command(&health.program, &health.arguments);
            let asked =
                timeout(health.timeout, check.stdout(Stdio::null()).stderr(Stdio::null()).status()).await;
            let healthy = matches!(asked, Ok(Ok(status)) if status.success());
            let mut seen = self.look();
            if seen.pid != Some(pid) {
                continue;
            }
            if healthy {
                failures = 0;
                seen.state.health = Some("healthy".into());
            } else if begun.elapsed() > health.start_period {
                failures += 1;
                if failures >= health.retries {
                    seen.state.health = Some("unhealthy".into());
                }
            }
        }
    }

    fn command(&self, program: &Path, arguments: &[String]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(&self.start.environment)
            .current_dir(&self.start.folder)
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        self.user.wear(&mut command);
        command
    }
}

/// Whether a policy starts a program again that ended by itself.
fn applies(policy: RestartPolicy, code: Option<i32>, restarts: u32) -> bool {
    match policy {
        RestartPolicy::No => false,
        RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
        RestartPolicy::OnFailure(most) => code != Some(0) && most.is_none_or(|most| restarts < most),
    }
}

/// As a shell and an engine tell a signal.
fn killed_by(status: ExitStatus) -> Option<i32> {
    status.signal().map(|signal| 128 + signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path, script: &str, restart: RestartPolicy) -> Program {
        let start = Start {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
            folder: folder.into(),
            log: folder.join("log"),
            stop_signal: Signal::TERM,
            grace: Duration::from_millis(300),
            restart,
            health: None,
            core_limit: None,
        };
        Program::new(start, User::Own)
    }

    async fn until(program: &Program, holds: impl Fn(&State) -> bool) -> State {
        let reached = poll::until(Duration::from_secs(10), || async {
            let state = program.state();
            if holds(&state) { Attempt::Ready(state) } else { Attempt::NotYet(format!("{state:?}")) }
        });
        reached.await.unwrap()
    }

    #[tokio::test]
    async fn an_end_is_seen_with_its_exit_code_and_what_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let program = program(folder.path(), "echo out; echo err >&2; exit 7", RestartPolicy::No);
        program.start().unwrap();
        let state = until(&program, |state| state.phase == Phase::Exited).await;
        assert_eq!((state.exit_code, state.restarts), (Some(7), 0));
        assert_eq!(std::fs::read_to_string(folder.path().join("log")).unwrap(), "out\nerr\n");
    }

    #[tokio::test]
    async fn a_program_that_ignores_its_stop_signal_is_killed_after_its_grace_period() {
        let folder = tempfile::tempdir().unwrap();
        let program = program(
            folder.path(),
            "trap '' TERM; echo ready; while :; do sleep 0.05; done",
            RestartPolicy::No,
        );
        program.start().unwrap();
        let log = folder.path().join("log");
        let said = poll::until(Duration::from_secs(10), || async {
            match std::fs::read_to_string(&log) {
                Ok(said) if said.contains("ready") => Attempt::Ready(()),
                other => Attempt::NotYet(format!("{other:?}")),
            }
        });
        said.await.unwrap();
        program.stop().await.unwrap();
        assert_eq!(program.state().exit_code, Some(137));
    }

    #[tokio::test]
    async fn what_ends_is_started_again_as_often_as_its_policy_says() {
        let folder = tempfile::tempdir().unwrap();
        let program = program(folder.path(), "exit 1", RestartPolicy::OnFailure(Some(2)));
        program.start().unwrap();
        let state = until(&program, |state| state.phase == Phase::Exited).await;
        assert_eq!(state.restarts, 2);
    }

    #[tokio::test]
    async fn what_was_stopped_is_not_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let program = program(folder.path(), "exec sleep 30", RestartPolicy::Always);
        program.start().unwrap();
        program.stop().await.unwrap();
        assert_eq!((program.state().phase, program.state().restarts), (Phase::Exited, 0));
    }
}
