//! Whatever fails between freezing and thawing, or between killing and starting: everybody comes back.

use std::{
    collections::BTreeMap,
    future::ready,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use rstest::rstest;
use stack::Stack;

use super::*;
use crate::{
    platform::RunnerKind,
    run::{Run, RunId},
    runner::{CoreLimit, HostPorts, Pace, Plan, Runner, State, Tries, Usage},
};

/// A runner that keeps what it is asked to do, does nothing, and fails at one act.
#[derive(Clone)]
struct Asked {
    acts: Arc<Mutex<Vec<String>>>,
    fails_at: &'static str,
}

impl Asked {
    fn act(&self, act: &str, instance: &str) -> Result<(), RunnerError> {
        let act = format!("{act} {instance}");
        let failed = act == self.fails_at;
        self.acts.lock().unwrap().push(act.clone());
        if failed { Err(RunnerError { act, found: "no".into() }) } else { Ok(()) }
    }
}

#[async_trait]
impl Runner for Asked {
    fn kind(&self) -> RunnerKind {
        RunnerKind::Processes
    }
    async fn start(&self, instance: &str) -> Result<(), RunnerError> {
        self.act("start", instance)
    }
    async fn stop(&self, instance: &str) -> Result<(), RunnerError> {
        self.act("stop", instance)
    }
    async fn kill(&self, instance: &str, _: End) -> Result<(), RunnerError> {
        self.act("kill", instance)
    }
    async fn pause(&self, instance: &str) -> Result<(), RunnerError> {
        self.act("pause", instance)
    }
    async fn unpause(&self, instance: &str) -> Result<(), RunnerError> {
        self.act("unpause", instance)
    }
    async fn endpoint(&self, instance: &str, _: u16) -> Result<SocketAddr, RunnerError> {
        Err(RunnerError { act: format!("finding {instance}"), found: "nothing runs".into() })
    }
    async fn state(&self, _: &str) -> Result<State, RunnerError> {
        unreachable!()
    }
    async fn logs(&self, _: &str, _: Option<usize>) -> Result<Vec<u8>, RunnerError> {
        unreachable!()
    }
    async fn inspect(&self, _: &str) -> Result<String, RunnerError> {
        unreachable!()
    }
    async fn address_of_harness(&self, _: &str) -> Result<String, RunnerError> {
        unreachable!()
    }
    async fn processes(&self, _: &str) -> Result<Vec<String>, RunnerError> {
        unreachable!()
    }
    async fn core_limits(&self, _: &[String]) -> Result<Vec<Vec<CoreLimit>>, RunnerError> {
        unreachable!()
    }
    async fn usage(&self, _: &str) -> Result<Usage, RunnerError> {
        unreachable!()
    }
    async fn written(&self, _: &[String]) -> Result<Vec<Vec<u8>>, RunnerError> {
        unreachable!()
    }
    async fn toolbox(&self, _: &str, _: &[&str]) -> Result<Vec<u8>, RunnerError> {
        unreachable!()
    }
    async fn start_control(&self) -> Result<String, RunnerError> {
        unreachable!()
    }
    async fn relay(&self, _: &str, _: u16, _: u8) -> Result<SocketAddr, RunnerError> {
        unreachable!()
    }
    async fn try_limits(&self, _: &Plan, _: &Stack) -> Result<Tries, RunnerError> {
        unreachable!()
    }
    async fn teardown(&self) -> Result<(), RunnerError> {
        unreachable!()
    }
}

/// A stack with two workers, and what its runner is asked to do.
fn running(fails_at: &'static str) -> (RunningStack, Arc<Mutex<Vec<String>>>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/compose.yaml");
    let mut stack = stack::read(&[file], &|_| None, &[]).unwrap();
    stack.services.get_mut(WORKER).unwrap().replicas = 2;
    let run = Run { id: RunId::random(), folder: PathBuf::new(), owner: String::new(), marker: "m".into() };
    let plan = Plan {
        run,
        secrets: BTreeMap::new(),
        authority: None,
        ports: HostPorts::Random,
        pace: Pace::Together,
        data: None,
    };
    let asked = Asked { acts: Arc::default(), fails_at };
    (RunningStack::new(stack, Box::new(asked.clone()), plan, None), asked.acts)
}

#[rstest]
#[case::nothing("", Ok(7), Ok(7))]
#[case::what_happens_meanwhile("", Err("lost"), Err("lost"))]
#[case::freezing_the_second("pause worker.2", Ok(7), Err("pause worker.2 failed: no"))]
#[case::thawing_the_first("unpause worker", Ok(7), Err("unpause worker failed: no"))]
#[case::both("unpause worker", Err("lost"), Err("lost"))]
#[tokio::test]
async fn nobody_is_left_frozen_whatever_fails(
    #[case] fails_at: &'static str,
    #[case] meanwhile: Result<u8, &str>,
    #[case] expected: Result<u8, &str>,
) {
    let (running, acts) = running(fails_at);
    let seen = frozen(&running, ready(meanwhile.map_err(str::to_owned))).await;
    assert_eq!(seen, expected.map_err(str::to_owned));
    let acts = acts.lock().unwrap();
    assert_eq!(acts[acts.len() - 2..], ["unpause worker", "unpause worker.2"], "{acts:?}");
}

#[rstest]
#[case::nothing_but_that_nobody_answers("", Ok(7), "`worker` was started once more")]
#[case::what_happens_meanwhile("", Err("lost"), "lost")]
#[case::killing_the_second("kill worker.2", Ok(7), "kill worker.2 failed: no")]
#[case::starting_the_first("start worker", Ok(7), "start worker failed: no")]
#[tokio::test(start_paused = true)]
async fn everybody_is_started_again_whatever_fails(
    #[case] fails_at: &'static str,
    #[case] meanwhile: Result<u8, &str>,
    #[case] expected: &str,
) {
    let (running, acts) = running(fails_at);
    let why = dead(&running, End::Killed, ready(meanwhile.map_err(str::to_owned))).await.unwrap_err();
    assert!(why.starts_with(expected), "{why}");
    let acts = acts.lock().unwrap();
    assert_eq!(acts[acts.len() - 2..], ["start worker", "start worker.2"], "{acts:?}");
}
