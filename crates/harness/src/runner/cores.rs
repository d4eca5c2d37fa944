//! Core files: what the kernel would let a process leave behind of its memory (core(5)).

use std::collections::BTreeMap;

use super::{Containers, End, Runner, RunnerError};

/// Tells the limits of each process that is still there, a line each, behind its number.
const READ: &str = r#"
for process in "$@"; do
  while read -r line; do
    case $line in "Max core file size"*) echo "$process $line" ;; esac
  done 2>/dev/null <"/proc/$process/limits"
done
:
"#;

/// Every process in here but the first, which is the engine's, and this one.
const ABORT: &str = "kill -ABRT -1";

/// What one process may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreLimit {
    /// Its arguments.
    pub process: String,
    /// Bytes that a core file of it may have at most, even if it asks for more. None: without limit.
    pub most: Option<u64>,
}

impl CoreLimit {
    /// From what the kernel tells in `/proc/PID/limits`, whose columns are name, soft limit, hard limit, unit.
    pub(super) fn read(process: String, limits: &str) -> Option<Self> {
        let (_, columns) = limits.split_once("Max core file size")?;
        let hard = columns.split_whitespace().nth(1)?;
        let most = if hard == "unlimited" { None } else { Some(hard.parse().ok()?) };
        Some(Self { process, most })
    }
}

impl Containers {
    /// One container looks at the processes of all of them, as the engine's machine sees them.
    pub(super) async fn core_limits_of(
        &self,
        instances: &[String],
    ) -> Result<Vec<Vec<CoreLimit>>, RunnerError> {
        let mut all: Vec<Vec<(String, String)>> = Vec::new();
        for instance in instances {
            let lines = self.processes(instance).await.unwrap_or_default();
            let pair = |line: &String| {
                let (number, arguments) = line.trim().split_once(' ')?;
                Some((number.to_owned(), arguments.trim().to_owned()))
            };
            all.push(lines.iter().filter_map(pair).collect());
        }
        let numbers = all.iter().flatten().map(|(number, _)| number.as_str());
        let command: Vec<&str> = ["bash", "-c", READ, "limits"].into_iter().chain(numbers).collect();
        let mut body = self.toolbox_body(&command, Vec::new());
        if let Some(host) = &mut body.host_config {
            host.pid_mode = Some("host".into());
        }
        let told = self.run_to_end("reading the limits of processes", body).await?;
        let told = String::from_utf8_lossy(&told).into_owned();
        let told: BTreeMap<&str, &str> = told.lines().filter_map(|line| line.split_once(' ')).collect();
        let limit = |(number, arguments): (String, String)| {
            CoreLimit::read(arguments, told.get(number.as_str()).copied()?)
        };
        Ok(all.into_iter().map(|processes| processes.into_iter().filter_map(limit).collect()).collect())
    }

    /// By the engine where it kills. Other signals it hands to the container's first process, and that one takes those of
    /// broken programs for its own, and ignores them: so somebody sends them from within.
    pub(super) async fn end_by(&self, instance: &str, end: End) -> Result<(), RunnerError> {
        match end {
            End::Killed => self.engine_kills(instance).await,
            End::Aborted => {
                let mut body = self.toolbox_body(&["bash", "-c", ABORT], Vec::new());
                if let Some(host) = &mut body.host_config {
                    host.pid_mode = Some(format!("container:{}", self.container_name(instance)));
                    host.cap_add.get_or_insert_default().push("KILL".into());
                }
                self.run_to_end(&format!("aborting `{instance}`"), body).await.map(drop)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_counts_because_a_process_may_ask_for_it() {
        let line = "Max core file size        0                    unlimited            bytes     \n";
        let read = |line: &str| CoreLimit::read("api".into(), line).map(|limit| limit.most);
        assert_eq!(read(line), Some(None));
        assert_eq!(
            read("Max core file size        0                    0                    bytes"),
            Some(Some(0))
        );
        assert_eq!(read("Max cpu time              unlimited            unlimited            seconds"), None);
    }
}
