//! The processes runner: the same programs that the container images start, as child processes on loopback addresses, with
//! folders of their own. No container engine is needed, and none of what an engine holds them to is in force.
//!
//! Everything that a run starts has its working directory below the run's folder, and is known by that.

mod forward;
mod owned;
mod placement;
mod plan;
mod program;
mod usage;
mod user;

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use rustix::process::{Pid, Signal};
use stack::{RestartPolicy, Stack};
use tokio::{net::TcpListener, process::Command, sync::Mutex};

use forward::{Forward, forward};
pub(crate) use owned::{runs, sweep};
use placement::{Placement, Ports};
pub(super) use plan::log_of;
use program::{Program, Start};
use user::User;

use super::{CoreLimit, End, Plan, Runner, RunnerError, State, Tries, Usage, last_lines};
use crate::{images::Images, platform::RunnerKind};

/// The address that a relay comes from is this many more than its number.
const FIRST_RELAY: u8 = 100;
/// The instance that shows the control marker.
const CONTROL: &str = "control";

/// Where a relay listens, as long as it does.
type Relay = (SocketAddr, Forward);

/// Runs a stack as processes.
pub struct Processes {
    folder: PathBuf,
    marker: String,
    ports: Ports,
    programs: Mutex<BTreeMap<String, Arc<Program>>>,
    /// By service, container port and the number of the client.
    relays: Mutex<BTreeMap<(String, u16, u8), Relay>>,
    /// In front of services with several replicas.
    _fronts: Vec<Forward>,
    volumes: BTreeMap<String, PathBuf>,
    /// The image with the tools to look at volumes with.
    toolbox: PathBuf,
    user: User,
}

impl Processes {
    /// Gives every instance of `stack` its addresses and folders; none is started. What was made when this fails lies in
    /// the run's folder.
    pub async fn prepare(images: &Images, stack: &Stack, plan: &Plan) -> Result<Self, RunnerError> {
        let user = User::find().map_err(because("finding a user to run the programs as"))?;
        let folder = &plan.run.folder;
        user.reaches(folder).map_err(because(&format!("handing out {}", folder.display())))?;
        let made = owned::mark(&plan.run).and_then(|()| user.give(folder));
        made.map_err(because(&format!("making {}", folder.display())))?;
        let laid = plan::lay_out(images, stack, plan, user).await?;
        let mut programs = BTreeMap::new();
        for (instance, start) in laid.starts {
            programs.insert(instance, Arc::new(Program::new(start, user)));
        }
        let fronts = laid.fronts.into_iter().map(|(listener, targets)| forward(listener, targets, None));
        Ok(Self {
            folder: folder.clone(),
            marker: plan.run.marker.clone(),
            ports: laid.ports,
            programs: Mutex::new(programs),
            relays: Mutex::default(),
            _fronts: fronts.collect(),
            volumes: laid.volumes,
            toolbox: images.get("toolbox").map(|image| image.root.clone()).unwrap_or_default(),
            user,
        })
    }

    async fn program(&self, instance: &str, act: &str) -> Result<Arc<Program>, RunnerError> {
        let programs = self.programs.lock().await;
        programs.get(instance).cloned().ok_or_else(|| unknown(&format!("{act} `{instance}`")))
    }

    async fn pid(&self, instance: &str, act: &str) -> Result<Pid, RunnerError> {
        let pid = self.program(instance, act).await?.pid();
        pid.ok_or_else(|| because(&format!("{act} `{instance}`"))("it does not run"))
    }

    /// Runs a program of the toolbox to its end, with nothing but a path in its environment.
    async fn run_to_end(&self, what: &str, mut program: Command) -> Result<Vec<u8>, RunnerError> {
        let search = self.toolbox.join("bin");
        program.env_clear().env("PATH", search).current_dir(&self.folder);
        program.stdin(Stdio::null()).kill_on_drop(true);
        self.user.wear(&mut program);
        let output = program.output().await.map_err(because(what))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(RunnerError { act: what.into(), found: format!("{}: {said}", output.status) });
        }
        // As a container's output would have both.
        Ok([output.stdout, output.stderr].concat())
    }

    async fn signal(&self, instance: &str, act: &str, signal: Signal) -> Result<(), RunnerError> {
        let sent = self.program(instance, act).await?.signal_all(signal);
        sent.map_err(because(&format!("{act} `{instance}`")))
    }
}

#[async_trait]
impl Runner for Processes {
    fn kind(&self) -> RunnerKind {
        RunnerKind::Processes
    }

    async fn start(&self, instance: &str) -> Result<(), RunnerError> {
        let program = self.program(instance, "starting").await?;
        let act = format!("starting `{instance}` ({})", program.how().program.display());
        program.start().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => because(&act)("the image has no such program".to_owned()),
            _ => because(&act)(error.to_string()),
        })
    }

    async fn stop(&self, instance: &str) -> Result<(), RunnerError> {
        let stopped = self.program(instance, "stopping").await?.stop().await;
        stopped.map_err(because(&format!("stopping `{instance}`")))
    }

    async fn kill(&self, instance: &str, end: End) -> Result<(), RunnerError> {
        let signal = match end {
            End::Killed => Signal::KILL,
            End::Aborted => Signal::ABORT,
        };
        let killed = self.program(instance, "killing").await?.kill(signal).await;
        killed.map_err(because(&format!("killing `{instance}`")))
    }

    async fn pause(&self, instance: &str) -> Result<(), RunnerError> {
        self.signal(instance, "pausing", Signal::STOP).await
    }

    async fn unpause(&self, instance: &str) -> Result<(), RunnerError> {
        self.signal(instance, "unpausing", Signal::CONT).await
    }

    async fn state(&self, instance: &str) -> Result<State, RunnerError> {
        Ok(self.program(instance, "looking at").await?.state())
    }

    async fn endpoint(&self, instance: &str, container_port: u16) -> Result<SocketAddr, RunnerError> {
        let found = self.ports.instances.get(&(instance.to_owned(), container_port));
        found.copied().ok_or_else(|| RunnerError {
            act: format!("finding port {container_port} of `{instance}`"),
            found: "neither definition nor image names such a port".into(),
        })
    }

    async fn logs(&self, instance: &str, tail: Option<usize>) -> Result<Vec<u8>, RunnerError> {
        let log = log_of(&self.folder, instance);
        let read = match tokio::fs::read(&log).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        };
        let log = read.map_err(because(&format!("reading {}", log.display())))?;
        Ok(last_lines(&log, tail))
    }

    async fn inspect(&self, instance: &str) -> Result<String, RunnerError> {
        let program = self.program(instance, "inspecting").await?;
        let how = program.how();
        let told = serde_json::json!({
            "program": how.program,
            "arguments": how.arguments,
            "environment": how.environment,
            "folder": how.folder,
        });
        Ok(told.to_string())
    }

    async fn address_of_harness(&self, _instance: &str) -> Result<String, RunnerError> {
        Ok(Ipv4Addr::LOCALHOST.to_string())
    }

    async fn processes(&self, instance: &str) -> Result<Vec<String>, RunnerError> {
        let pid = self.pid(instance, "listing the processes of").await?;
        Ok(usage::family(pid).into_iter().filter_map(usage::arguments).collect())
    }

    async fn core_limits(&self, instances: &[String]) -> Result<Vec<Vec<CoreLimit>>, RunnerError> {
        let mut all = Vec::new();
        for instance in instances {
            let pid = self.program(instance, "reading the limits of").await?.pid();
            all.push(pid.map(usage::core_limits_of_family).unwrap_or_default());
        }
        Ok(all)
    }

    async fn usage(&self, instance: &str) -> Result<Usage, RunnerError> {
        Ok(usage::of_family(self.pid(instance, "asking what is spent by").await?))
    }

    async fn toolbox(&self, volume: &str, command: &[&str]) -> Result<Vec<u8>, RunnerError> {
        let what = format!("running `{}` over volume `{volume}`", command.join(" "));
        let folder = self
            .volumes
            .get(volume)
            .ok_or_else(|| RunnerError { act: what.clone(), found: "the stack has no such volume".into() })?;
        let paths = BTreeMap::from([("/volume".to_owned(), folder.clone())]);
        let nothing = Ports::default();
        let placement = Placement { instance: "", ports: &nothing, paths: &paths, root: &self.toolbox };
        let search = self.toolbox.join("bin").display().to_string();
        let [program, arguments @ ..] = command else {
            return Err(RunnerError { act: what, found: "no program is named".into() });
        };
        let mut toolbox = Command::new(placement.program(program, &search));
        toolbox.args(arguments.iter().map(|argument| placement.text(argument)));
        self.run_to_end(&what, toolbox).await
    }

    async fn written(&self, instances: &[String]) -> Result<Vec<Vec<u8>>, RunnerError> {
        let reading = instances.iter().map(|instance| async move {
            let folder = plan::folder_of(&self.folder, instance);
            let mut tar = Command::new(self.toolbox.join("bin/tar"));
            tar.args(["--create", "--sparse", "--hole-detection=raw", "--directory"]).arg(&folder).arg(".");
            self.run_to_end(&format!("reading {}", folder.display()), tar).await
        });
        futures::future::try_join_all(reading).await
    }

    async fn start_control(&self) -> Result<String, RunnerError> {
        // The second command keeps bash from replacing itself, and its argument with it, by the first.
        let script =
            "printf %s \"$MARKER\" >control; exec bash -c 'sleep infinity; :' \"$MARKER\"".to_owned();
        let folder = plan::folder_of(&self.folder, CONTROL);
        let made = std::fs::create_dir_all(&folder).and_then(|()| self.user.give(&folder));
        made.map_err(because(&format!("making {}", folder.display())))?;
        let start = Start {
            program: self.toolbox.join("bin/bash"),
            arguments: vec!["-c".into(), script],
            environment: BTreeMap::from([
                ("PATH".into(), self.toolbox.join("bin").display().to_string()),
                ("MARKER".into(), self.marker.clone()),
            ]),
            folder,
            log: log_of(&self.folder, CONTROL),
            stop_signal: Signal::KILL,
            grace: Duration::ZERO,
            restart: RestartPolicy::No,
            health: None,
            core_limit: None,
        };
        let program = Arc::new(Program::new(start, self.user));
        program.start().map_err(because("starting the control program"))?;
        self.programs.lock().await.insert(CONTROL.into(), program);
        Ok(CONTROL.into())
    }

    async fn try_limits(&self, _: &Plan, _: &Stack) -> Result<Tries, RunnerError> {
        let (act, found) = ("trying the limits of services", "only an engine enforces them");
        Err(RunnerError { act: act.into(), found: found.into() })
    }

    async fn relay(&self, target: &str, container_port: u16, relay: u8) -> Result<SocketAddr, RunnerError> {
        let act = format!("starting relay {relay} to port {container_port} of `{target}`");
        let mut relays = self.relays.lock().await;
        let key = (target.to_owned(), container_port, relay);
        if let Some((address, _)) = relays.get(&key) {
            return Ok(*address);
        }
        let found = self.ports.services.get(&(target.to_owned(), container_port));
        let target = *found.ok_or_else(|| unknown(&act))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(because(&act))?;
        let address = listener.local_addr().map_err(because(&act))?;
        let source = Ipv4Addr::new(127, 0, 0, FIRST_RELAY.saturating_add(relay));
        relays.insert(key, (address, forward(listener, vec![target], Some(source))));
        Ok(address)
    }

    async fn teardown(&self) -> Result<(), RunnerError> {
        self.relays.lock().await.clear();
        let act = "ending the programs of the run";
        let programs: Vec<Arc<Program>> = self.programs.lock().await.values().cloned().collect();
        let killed =
            futures::future::join_all(programs.iter().map(|program| program.kill(Signal::KILL))).await;
        killed.into_iter().collect::<Result<(), _>>().map_err(because(act))?;
        // Postgres gives each of its processes a group of its own.
        sweep(&self.folder).await.map_err(because(act))
    }
}

fn unknown(act: &str) -> RunnerError {
    RunnerError { act: act.into(), found: "the stack has no such instance".into() }
}

fn because<E: std::fmt::Display>(act: &str) -> impl Fn(E) -> RunnerError {
    let act = act.to_owned();
    move |found| RunnerError { act: act.clone(), found: found.to_string() }
}

/// The instances that have said something, or may.
pub(super) fn instances_with_logs(folder: &Path) -> io::Result<Vec<String>> {
    let entries = std::fs::read_dir(plan::logs_in(folder))?.collect::<io::Result<Vec<_>>>()?;
    let name = |entry: &std::fs::DirEntry| Some(entry.file_name().to_str()?.strip_suffix(".log")?.to_owned());
    let mut instances: Vec<String> = entries.iter().filter_map(name).collect();
    instances.sort();
    Ok(instances)
}
