//! Trials of the gate itself: each breaks something on purpose, runs the command, and holds its exit code, its report
//! and its words against what a person needs to find the cause.
//!
//! This program is also the command, when it is asked to be: so the trials see real exit codes and real signals.

mod broken;
mod clocks;

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Output, Stdio},
    time::{Duration, Instant},
};

use broken::{BROKEN, Broken};
use harness::{check, platform::RunnerKind};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// Set: this program is the command `shakedown`.
const AS_COMMAND: &str = "SHAKEDOWN_TRIAL_AS_COMMAND";
/// Leftovers of a killed run are gone within this.
const CLEAN_WITHIN: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    if std::env::var_os(AS_COMMAND).is_some() {
        return shakedown::main();
    }
    let mut arguments = Arguments::from_args();
    // Two gates at once are one of the trials; more than that only makes a small machine slow.
    arguments.test_threads.get_or_insert(2);
    libtest_mimic::run(&arguments, trials()).exit_code()
}

fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> =
        BROKEN.iter().map(|broken| Trial::test(broken.name, || try_out(broken))).collect();
    trials.extend([
        Trial::test("two_gates_run_side_by_side", two_gates),
        Trial::test("the_gate_holds_for_processes", gate_of_processes),
        Trial::test("outputs_end_in_an_s3_store_too", outputs_in_s3),
        Trial::test("a_backup_brings_back_what_was_there", || backup("containers")),
        Trial::test("a_backup_of_processes_brings_back_what_was_there", || backup("processes")),
        Trial::test("nothing_is_left_after_ctrl_c", || leaves_nothing("containers", "INT", Some(130))),
        Trial::test("nothing_is_left_after_sigterm", || leaves_nothing("containers", "TERM", Some(130))),
        Trial::test("nothing_is_left_after_sigkill", || leaves_nothing("containers", "KILL", None)),
        Trial::test("no_process_is_left_after_ctrl_c", || leaves_nothing("processes", "INT", Some(130))),
        Trial::test("no_process_is_left_after_sigkill", || leaves_nothing("processes", "KILL", None)),
        Trial::test("a_port_in_use_is_named", port_in_use),
        Trial::test("missing_images_are_named", missing_images),
        Trial::test("stale_images_are_refused_by_the_file_that_changed", stale_images),
        Trial::test("an_image_for_another_architecture_is_refused", other_architecture),
        Trial::test("no_engine_is_said_to_be_missing", no_engine),
    ]);
    trials.extend(clocks::trials());
    trials
}

/// A finished command: exit code, all it said, and its report where it wrote one.
struct Done {
    code: Option<i32>,
    said: String,
    report: Option<Value>,
}

fn command(arguments: &[&str]) -> Result<Command, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).env(AS_COMMAND, "1").current_dir(e2e::repository()).stdin(Stdio::null());
    Ok(command)
}

fn run(arguments: &[&str], report: Option<&Path>) -> Result<Done, Failed> {
    let Output { status, stdout, stderr } = command(arguments)?.output()?;
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let report = report.and_then(|folder| fs::read(folder.join("report.json")).ok());
    Ok(Done {
        code: status.code(),
        said,
        report: report.and_then(|bytes| serde_json::from_slice(&bytes).ok()),
    })
}

/// A defect is seen by both runners, and by the same checks.
fn try_out(broken: &Broken) -> Result<(), Failed> {
    let in_containers = try_out_as(broken, "containers")?;
    if broken.as_processes {
        let as_processes = try_out_as(broken, "processes")?;
        if as_processes != in_containers {
            let told = format!("{in_containers:?} fail in containers, {as_processes:?} as processes");
            return Err(told.into());
        }
    }
    Ok(())
}

/// The checks that fail for a defect.
fn try_out_as(broken: &Broken, runner: &str) -> Result<BTreeSet<String>, Failed> {
    let folder = tempfile::tempdir()?;
    let overlay = folder.path().join("overlay.yaml");
    let files = e2e::repository().join("tests/e2e/broken");
    fs::write(&overlay, broken.overlay.replace("BROKEN", &files.display().to_string()))?;
    let (overlay, report) = (overlay.display().to_string(), folder.path().join("report"));
    let reported = report.display().to_string();
    let mut arguments = vec!["gate", "--runner", runner, "--report", &reported];
    arguments.extend(broken.over.iter().chain([&overlay.as_str()]).flat_map(|over| ["--overlay", over]));
    arguments.extend(broken.only.iter().flat_map(|only| ["--only", only]));
    let done = run(&arguments, Some(&report))?;
    let of_runner =
        |error: Failed| Failed::from(format!("as {runner}: {}", error.message().unwrap_or_default()));
    expect(&done, broken.exit_code, broken.says).map_err(of_runner)?;
    if let Some(check) = broken.fails {
        let verdict =
            verdict(&done, check).ok_or_else(|| format!("no verdict about {check}:\n{}", done.said))?;
        if verdict != "fail" {
            return Err(format!("as {runner}: {check} is {verdict}, and must fail:\n{}", done.said).into());
        }
    }
    let verdicts = done.report.as_ref().and_then(|report| report.get("verdicts")?.as_array());
    let failed = verdicts.into_iter().flatten().filter(|verdict| verdict["verdict"] == "fail");
    Ok(failed.filter_map(|verdict| Some(verdict["check"].as_str()?.to_owned())).collect())
}

fn expect(done: &Done, code: i32, says: &[&str]) -> Result<(), Failed> {
    if done.code != Some(code) {
        return Err(format!("exit code {:?} where {code} was expected:\n{}", done.code, done.said).into());
    }
    match says.iter().find(|words| !done.said.contains(**words)) {
        Some(words) => Err(format!("nothing about `{words}` in:\n{}", done.said).into()),
        None => Ok(()),
    }
}

fn verdict(done: &Done, check: &str) -> Option<String> {
    let verdicts = done.report.as_ref()?.get("verdicts")?.as_array()?;
    let found = verdicts.iter().find(|verdict| verdict.get("check").is_some_and(|id| id == check))?;
    Some(found.get("verdict")?.as_str()?.to_owned())
}

fn two_gates() -> Result<(), Failed> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let children: Vec<Child> = folders
        .iter()
        .map(|folder| {
            let reported = folder.path().display().to_string();
            // The story of two people and a stranger, without a browser: two of those take more than a small machine has.
            let mut gate = command(&["gate", "--only", "smoke.job", "--report", &reported])?;
            Ok(gate.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
        })
        .collect::<Result<_, Failed>>()?;
    // Both to their end, whatever became of the first: nobody would wait for the other.
    let ended: Vec<Output> =
        children.into_iter().map(Child::wait_with_output).collect::<std::io::Result<_>>()?;
    match ended.into_iter().find(|output| output.status.code() != Some(0)) {
        None => Ok(()),
        Some(Output { stdout, stderr, .. }) => {
            Err(String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned().into())
        }
    }
}

/// Every check that needs no container passes without one; the others are skipped, and say why.
fn gate_of_processes() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let reported = folder.path().display().to_string();
    let done = run(&["gate", "--runner", "processes", "--report", &reported], Some(folder.path()))?;
    expect(&done, 0, &["only containers show this", "0 failed, 0 unknown"])?;
    for check in check::checks(&e2e::stack()?) {
        let verdict = verdict(&done, &check.id).ok_or_else(|| format!("no verdict about {}", check.id))?;
        let expected = if check.runs_on(RunnerKind::Processes) { "pass" } else { "skipped" };
        if verdict != expected && !NEEDS_A_PROGRAM.iter().any(|kind| check.id.starts_with(kind)) {
            return Err(format!("{} is {verdict}, where {expected} was expected", check.id).into());
        }
    }
    Ok(())
}

/// The gate of `gate-s3` is one of processes: this is in containers what depends on the store most.
fn outputs_in_s3() -> Result<(), Failed> {
    let only = ["--only", "smoke.job", "--only", "ttl", "--only", "data.encrypted"];
    let arguments = [&["gate", "--runner", "containers", "--overlay", "compose/s3.yaml"][..], &only].concat();
    expect(&run(&arguments, None)?, 0, &["0 failed, 0 unknown"])
}

/// A backup and its restore, in a stack of their own: time is turned back for everybody in it.
fn backup(runner: &str) -> Result<(), Failed> {
    let overlay = ["--overlay", "compose/backup.yaml", "--profile", "backup", "--only", "data.backup"];
    let arguments = [&["gate", "--runner", runner][..], &overlay].concat();
    expect(&run(&arguments, None)?, 0, &["0 failed, 0 unknown"])
}

/// Checks that are skipped, on either runner, where their program is not installed.
const NEEDS_A_PROGRAM: [&str; 2] = ["smoke.browser.", "contract.openapi.fuzz"];

/// Starts a gate, waits until it has something, ends it by a signal, and looks for what is left.
fn leaves_nothing(runner: &str, signal: &str, code: Option<i32>) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let reported = folder.path().display().to_string();
    let gate = command(&["gate", "--runner", runner, "--report", &reported])?
        .env("TMPDIR", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut gate = gate?;
    let left = |run: &str| match runner {
        "processes" => processes_below(folder.path()),
        _ => labelled(run),
    };
    let run = wait_for(Duration::from_mins(1), || Ok(run_folder(folder.path()).filter(|run| left(run) > 3)))?;
    Command::new("kill").args([&format!("-{signal}"), &gate.id().to_string()]).status()?;
    let ended = gate.wait()?;
    if code.is_some() && ended.code() != code {
        return Err(
            format!("exit code {:?} after SIG{signal}, where {code:?} was expected", ended.code()).into()
        );
    }
    wait_for(CLEAN_WITHIN, || {
        let gone = left(&run) == 0 && run_folder(folder.path()).is_none();
        Ok(gone.then_some(()))
    })
    .map_err(|_| {
        format!("{} things of run {run} are left {CLEAN_WITHIN:?} after SIG{signal}", left(&run)).into()
    })
}

/// Processes that work below a folder, whoever started them.
fn processes_below(folder: &Path) -> usize {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let works = entries.filter_map(|entry| fs::read_link(entry.path().join("cwd")).ok());
    works.filter(|place| place.starts_with(folder)).count()
}

/// The id of the run whose folder is below `folder`.
fn run_folder(folder: &Path) -> Option<String> {
    let names =
        fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.into_iter().find_map(|name| Some(name.strip_prefix("shakedown-")?.strip_suffix("-run")?.to_owned()))
}

/// Containers, networks and volumes with the run's label.
fn labelled(run: &str) -> usize {
    let filter = format!("label={}={run}", harness::run::LABEL_RUN);
    let count = |list: &[&str]| {
        let output = Command::new("docker").args(list).args(["--quiet", "--filter", &filter]).output();
        output.map_or(usize::MAX / 4, |output| String::from_utf8_lossy(&output.stdout).lines().count())
    };
    count(&["ps", "--all"]) + count(&["network", "ls"]) + count(&["volume", "ls"])
}

fn wait_for<T>(within: Duration, mut look: impl FnMut() -> Result<Option<T>, Failed>) -> Result<T, Failed> {
    let start = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if start.elapsed() > within {
            return Err(format!("not within {within:?}").into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A gate takes any free port; `up` wants the one of the definition.
fn port_in_use() -> Result<(), Failed> {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port();
    let folder = tempfile::tempdir()?;
    let secrets = local_secrets(folder.path())?;
    let overlay = folder.path().join("overlay.yaml");
    fs::write(&overlay, format!("name: trial\n{secrets}"))?;
    let overlay = overlay.display().to_string();
    // The other port of the proxy is any that is free now: the one of the definition may be taken too.
    let other = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let output = command(&["up", "--run", "trial-port", "--overlay", &overlay])?
        .env("PROXY_PORT", port.to_string())
        .env("PROXY_HTTP_PORT", other.to_string())
        .output()?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    run(&["down", "--run", "trial-port", "--volumes"], None)?;
    let done = Done { code: output.status.code(), said, report: None };
    expect(&done, 4, &["`proxy`", &format!("host port {port}"), "is taken by another program"])
}

/// Secrets of its own for a stack that is not a gate's.
fn local_secrets(folder: &Path) -> Result<String, Failed> {
    let mut overlay = String::from("secrets:\n");
    for name in e2e::stack()?.secrets.keys() {
        let file = folder.join(name);
        fs::write(&file, "0123456789abcdefghijklmnopqrstuvwxyzABCD")?;
        writeln!(overlay, "  {name}: {{ file: {} }}", file.display())?;
    }
    Ok(overlay)
}

fn missing_images() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let images = folder.path().display().to_string();
    let done = run(&["gate", "--images", &images], None)?;
    expect(&done, 4, &[images.as_str(), "there is no manifest.json", "make images"])
}

/// The real images, as if one source had been another when they were built.
fn stale_images() -> Result<(), Failed> {
    let folder = altered_images(|manifest| {
        manifest["sources"]["files"]["crates/api/src/main.rs"] = "0".repeat(64).into();
        Ok(())
    })?;
    let images = folder.path().display().to_string();
    let done = run(&["gate", "--images", &images], None)?;
    expect(&done, 4, &["are stale: crates/api/src/main.rs has changed", "make images"])
}

fn other_architecture() -> Result<(), Failed> {
    let folder = altered_images(|manifest| {
        let images = manifest.get_mut("images").and_then(Value::as_array_mut).ok_or("no images")?;
        for image in images {
            image["architecture"] = "riscv64".into();
        }
        Ok(())
    })?;
    let images = folder.path().display().to_string();
    let done = run(&["gate", "--images", &images], None)?;
    expect(&done, 4, &["built for riscv64", "the engine runs"])
}

/// The real archives beside a manifest that was altered.
fn altered_images(alter: impl Fn(&mut Value) -> Result<(), Failed>) -> Result<tempfile::TempDir, Failed> {
    let folder = tempfile::tempdir()?;
    let manifest = fs::read_to_string(e2e::images_folder().join("manifest.json"))?;
    let mut manifest: Value = serde_json::from_str(&manifest)?;
    for image in manifest.get("images").and_then(Value::as_array).ok_or("no images")? {
        let archive: PathBuf = image["archive"].as_str().ok_or("no archive")?.into();
        std::os::unix::fs::symlink(e2e::images_folder().join(&archive), folder.path().join(&archive))?;
    }
    alter(&mut manifest)?;
    fs::write(folder.path().join("manifest.json"), manifest.to_string())?;
    Ok(folder)
}

fn no_engine() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let socket = format!("unix://{}/no.sock", folder.path().display());
    let output = command(&["gate", "--runner", "containers"])?.env("DOCKER_HOST", &socket).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let done = Done { code: output.status.code(), said, report: None };
    expect(&done, 4, &["no container engine answers", &socket, "make bootstrap"])
}
