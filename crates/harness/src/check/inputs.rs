//! `inputs.*`: a photo goes in by every road, good and failing; once every job has ended, nothing of it is anywhere.

use super::{Check, Finding, Subject, secrets};
use crate::{
    observation::{Cores, Inputs, Observations},
    probe::inputs::ROADS,
};

const NOTHING: &str = "no finding, and the control marker found";

pub(super) fn checks() -> Vec<Check> {
    let place = |id: &'static str, place: &str| {
        let claim =
            format!("once every job has ended, nothing of any photo that went in is in {place}, in any form");
        left_in(id, claim)
    };
    vec![
        roads(),
        waiting(),
        lost(),
        restarted(),
        output(),
        cores(),
        place("inputs.volumes", "any volume, raw"),
        place(
            "inputs.layers",
            "what any service has written beside volumes: writable layers, memory file systems",
        ),
        place("inputs.postgres", "Postgres: tables and what was deleted from them, write-ahead log, rows"),
        place("inputs.redis", "Redis: keys, values, slow commands, files"),
        place("inputs.logs", "any log"),
        place("inputs.http", "any HTTP answer"),
        place("inputs.processes", "the arguments of any process"),
    ]
}

fn with_inputs(seen: &Observations, judge: impl FnOnce(&Inputs) -> Finding) -> Finding {
    match &seen.inputs.seen {
        Ok(inputs) => judge(inputs),
        Err(why) => Finding::Unknown(why.clone()),
    }
}

/// Roads that were not walked, each with the reason.
fn not_walked(inputs: &Inputs) -> Vec<String> {
    let told = |road: &&str| match inputs.story.facts.get(&format!("road.{road}")) {
        Some((true, _)) => None,
        Some((false, told)) => Some(format!("{road}: {told}")),
        None => {
            let broken = inputs.story.broken.as_deref().unwrap_or("it was not reached");
            Some(format!("{road}: {broken}"))
        }
    };
    ROADS.iter().filter_map(told).collect()
}

fn roads() -> Check {
    let claim = "a photo ends as it should on every road: delivered, refused, cut off or failed";
    Check::new("inputs.roads", Subject::Inputs, claim, "each as it should", |seen| {
        with_inputs(seen, |inputs| {
            let facts = &inputs.story.facts;
            let wrong = facts
                .iter()
                .filter(|(_, (holds, _))| !holds)
                .map(|(road, (_, told))| format!("{road}: {told}"));
            let wrong: Vec<String> = wrong.collect();
            let missing = not_walked(inputs);
            match (wrong.is_empty(), missing.is_empty()) {
                (false, _) => Finding::Fail(wrong.join("; "), None),
                (true, false) => Finding::Unknown(missing.join("; ")),
                (true, true) => Finding::Pass(format!("{} roads", ROADS.len())),
            }
        })
    })
}

fn waiting() -> Check {
    let claim = "while no worker runs, a photo waits in keys of Redis alone that end by themselves in time";
    let expected = "an expiry of at most INPUT_TTL_SECONDS";
    Check::new("inputs.waiting", Subject::Inputs, claim, expected, |seen| {
        with_inputs(seen, |inputs| match &inputs.waiting {
            None => {
                let why = inputs.story.broken.as_deref().unwrap_or("nobody looked while the worker was away");
                Finding::Unknown(why.into())
            }
            Some(Err(why)) => Finding::Unknown(why.clone()),
            Some(Ok(waiting)) if waiting.left.is_empty() => {
                Finding::Unknown("no key of Redis held the photo while the worker was away".into())
            }
            Some(Ok(waiting)) => {
                let told = |left: &Option<std::time::Duration>| match left {
                    Some(left) => format!("{} s", left.as_secs()),
                    None => "for ever".into(),
                };
                let told: Vec<String> = waiting.left.iter().map(told).collect();
                let in_time =
                    waiting.left.iter().all(|left| left.is_some_and(|left| left <= waiting.at_most));
                let seen = format!("it stays {}, at most {} s", told.join(", "), waiting.at_most.as_secs());
                Finding::judged(in_time, seen)
            }
        })
    })
}

fn lost() -> Check {
    let claim = "a job whose photo was lost before a worker had it ends as failed, and says so in words";
    Check::new("inputs.lost", Subject::Inputs, claim, "failed, with a sentence", |seen| {
        with_inputs(seen, |inputs| match inputs.story.facts.get("road.lost") {
            Some((holds, told)) => Finding::judged(*holds, told.clone()),
            None => Finding::Unknown(not_walked(inputs).join("; ")),
        })
    })
}

fn restarted() -> Check {
    let claim = "a job whose photo, and every word of it, went with a Redis that was started anew ends as failed, and says so in words";
    Check::new("inputs.restarted", Subject::Inputs, claim, "failed, with a sentence", |seen| {
        with_inputs(seen, |inputs| match inputs.story.facts.get("road.restarted") {
            Some((holds, told)) => Finding::judged(*holds, told.clone()),
            None => Finding::Unknown(not_walked(inputs).join("; ")),
        })
    })
}

fn output() -> Check {
    let claim = "a delivered picture holds nothing but pixels: no metadata, no thumbnail, nothing of the photo's own bytes";
    let expected =
        "no marker and no segment that a decoder can do without, where the photo as it was sent shows both";
    Check::new("inputs.output", Subject::Inputs, claim, expected, |seen| {
        with_inputs(seen, |inputs| {
            let mut bytes = 0;
            for (road, output) in &inputs.outputs {
                let output = match output {
                    Ok(output) => output,
                    Err(why) => return Finding::Unknown(format!("{road}: {why}")),
                };
                let markers =
                    output.markers.iter().map(|found| format!("{} as {}", found.canary, found.form));
                let held: Vec<String> = markers.chain(output.beside_pixels.iter().cloned()).collect();
                if !held.is_empty() {
                    return Finding::Fail(format!("{road}: {}", held.join(", ")), None);
                }
                if !output.control {
                    return Finding::Unknown("not every part was seen in the photo as it was sent".into());
                }
                bytes += output.bytes;
            }
            let missing: Vec<_> = ["api", "web", "waiting", "killed"]
                .into_iter()
                .filter(|road| !inputs.outputs.contains_key(*road))
                .collect();
            if !missing.is_empty() {
                return Finding::Unknown(format!(
                    "nothing was delivered by these roads: {}",
                    missing.join(", ")
                ));
            }
            Finding::Pass(format!("{} pictures, {bytes} bytes", inputs.outputs.len()))
        })
    })
}

/// So many processes are named that may leave a core file.
const NAMED: usize = 3;

fn cores() -> Check {
    let claim = "a service that dies leaves no core file: no process of it may have one";
    let expected = "`ulimits: { core: 0 }` in force for every process of every service";
    Check::new("inputs.cores", Subject::Inputs, claim, expected, |seen| {
        with_inputs(seen, |inputs| match &inputs.cores {
            None => {
                let why = inputs.story.broken.as_deref().unwrap_or("nobody looked at the limits");
                Finding::Unknown(why.into())
            }
            Some(Err(why)) => Finding::Unknown(why.clone()),
            Some(Ok(cores)) => of_cores(cores),
        })
    })
}

fn of_cores(cores: &Cores) -> Finding {
    if let Some((unseen, _)) = cores.limits.iter().find(|(_, processes)| processes.is_empty()) {
        return Finding::Unknown(format!("no process of `{unseen}` was seen"));
    }
    let all = || cores.limits.iter().flat_map(|(instance, all)| all.iter().map(move |one| (instance, one)));
    let may = all().filter(|(_, limit)| limit.most != Some(0)).map(|(instance, limit)| {
        let most = limit.most.map_or("any length".to_owned(), |most| format!("{most} bytes"));
        format!("`{}` of `{instance}` may leave {most}", limit.process)
    });
    let may: Vec<String> = may.take(NAMED).collect();
    if may.is_empty() {
        let seen = format!("0 bytes for {} processes of {} instances", all().count(), cores.limits.len());
        return Finding::judged(!cores.limits.is_empty(), seen);
    }
    let why = format!("the kernel would put it where core_pattern says: `{}`", cores.pattern);
    Finding::Fail(may.join("; "), Some(why))
}

/// A place that was read after all that happened. Where a road was not walked to its end, nothing found proves nothing.
fn left_in(id: &'static str, claim: String) -> Check {
    Check::new(id, Subject::Inputs, claim, NOTHING, move |seen| match secrets::judge(seen, id) {
        Finding::Pass(told) => with_inputs(seen, |inputs| {
            let missing = not_walked(inputs);
            if missing.is_empty() { Finding::Pass(told) } else { Finding::Unknown(missing.join("; ")) }
        }),
        other => other,
    })
}
