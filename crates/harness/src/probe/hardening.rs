//! Limits that are seen to bite: what a container said that tried what they forbid.

use std::collections::BTreeMap;

use crate::{
    observation::{Hardening, Seen, TriedLimits},
    runner::TriedIn,
    running::RunningStack,
};

/// Tries all that the limits of the services forbid.
pub async fn observe(running: &RunningStack) -> Seen<Hardening> {
    let tried = running.runner().try_limits(running.plan(), running.stack()).await;
    let tried = tried.map_err(|error| error.to_string())?;
    let services = tried.services.into_iter().map(|(name, tried)| {
        let told = tried.map_err(|error| error.to_string()).and_then(|tried| told(&tried));
        (name, told)
    });
    Ok(Hardening { control: told(&tried.control)?, services: services.collect() })
}

/// What `tries.sh` said, line by line. What is missing was not tried.
fn told(tried: &TriedIn) -> Seen<TriedLimits> {
    let output = String::from_utf8_lossy(&tried.output);
    let (mut written, mut refused, mut status) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (mut chown, mut identity, mut started, mut memory) = (None, None, None, false);
    for line in output.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "wrote" => written.push(rest.to_owned()),
            "status" => {
                let told =
                    rest.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
                status.extend(told);
            }
            "chown" => {
                let (code, words) = rest.split_once(' ').unwrap_or((rest, ""));
                chown = code.parse().ok().map(|code| (code, words.to_owned()));
            }
            "identity" => identity = Some(rest.to_owned()),
            "processes" => started = Some(rest.to_owned()),
            "memory" => memory = true,
            // `tries: line 14: /etc/.tried: Read-only file system`
            _ => refused.extend(line.split_once("/.tried: ").map(|(before, why)| {
                let folder = before.rsplit(": ").next().unwrap_or_default();
                (if folder.is_empty() { "/".to_owned() } else { folder.to_owned() }, why.to_owned())
            })),
        }
    }
    match (identity, started) {
        (Some(identity), Some(started)) if memory => Ok(TriedLimits {
            written,
            refused,
            status,
            chown,
            identity,
            processes: tried.processes,
            started,
            bytes: tried.bytes,
            end: tried.end.clone(),
        }),
        _ => {
            let last = output.lines().last().unwrap_or("nothing");
            Err(format!("the tries ended early ({}); the last that was said: {last}", tried.end.describe()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::{Phase, State};

    const TOLD: &str = "wrote /run
tries: line 14: /.tried: Read-only file system
tries: line 14: /etc/.tried: Read-only file system
status CapEff:\t0000000000000000
status NoNewPrivs:\t1
chown 1 chown: changing ownership of '/dev/shm/mine': Operation not permitted
identity 0
processes tries: fork: retry: Resource temporarily unavailable
tries: line 38:    14 Killed                  ( for ((started = 0; started < $1; started++))
memory 134217728
";

    fn ended(output: &str) -> TriedIn {
        let end = State {
            phase: Phase::Exited,
            exit_code: Some(137),
            oom_killed: true,
            restarts: 0,
            started_at: None,
            finished_at: None,
            health: None,
            error: None,
        };
        TriedIn { bytes: 134_217_728, processes: 72, output: output.into(), end }
    }

    #[test]
    fn every_line_of_the_tries_is_understood() {
        let told = told(&ended(TOLD)).unwrap();
        assert_eq!(told.written, ["/run"]);
        let refused = ["/", "/etc"].map(|folder| (folder.to_owned(), "Read-only file system".to_owned()));
        assert_eq!(told.refused, refused);
        assert_eq!(told.status["CapEff"], "0000000000000000");
        assert_eq!(told.status["NoNewPrivs"], "1");
        assert_eq!(told.chown.as_ref().unwrap().0, 1);
        assert_eq!(told.identity, "0");
        assert!(told.started.ends_with("Resource temporarily unavailable"));
    }

    #[test]
    fn tries_that_ended_early_say_where() {
        let short = TOLD.split_inclusive('\n').take(5).collect::<String>();
        let why = told(&ended(&short)).unwrap_err();
        assert!(why.contains("killed for want of memory") && why.contains("NoNewPrivs"), "{why}");
        assert!(told(&ended("")).unwrap_err().ends_with("nothing"));
    }
}
