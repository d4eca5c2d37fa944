//! What a sound stack leaves of photos, and what each `inputs.*` check is there to notice.

use std::time::Duration;

use super::{Defect, definition, green as sound, outcomes};
use crate::{
    canary::{Finding as Leak, Form},
    check::{Subject, checks},
    observation::{Cores, Delivered, Inputs, Observations, Story, Surface, Waiting},
    probe::inputs::{PARTS, ROADS},
    runner::CoreLimit,
    verdict::Outcome,
};

/// Checks of places that are read.
const PLACES: [&str; 7] = [
    "inputs.volumes",
    "inputs.layers",
    "inputs.postgres",
    "inputs.redis",
    "inputs.logs",
    "inputs.http",
    "inputs.processes",
];

pub(super) fn green() -> Inputs {
    let mut story = Story::default();
    for road in ROADS {
        story.fact(&format!("road.{road}"), true, "as it should");
    }
    let output = || Ok(Delivered { bytes: 1000, control: true, ..Delivered::default() });
    Inputs {
        story,
        outputs: ["api", "web", "waiting", "killed"].map(|road| (road.to_owned(), output())).into(),
        waiting: Some(Ok(Waiting {
            left: vec![Some(Duration::from_secs(119))],
            at_most: Duration::from_mins(2),
        })),
        cores: Some(Ok(Cores {
            pattern: "core".into(),
            limits: ["api", "worker"].map(|instance| (instance.to_owned(), vec![limit(Some(0))])).into(),
        })),
    }
}

fn limit(most: Option<u64>) -> CoreLimit {
    CoreLimit { process: "docker-init -- worker".into(), most }
}

pub(super) fn surfaces() -> Vec<Surface> {
    let surface = |check: &&str| Surface {
        check: (*check).to_owned(),
        part: "all".into(),
        bytes: Ok(10),
        marker: true,
        findings: Vec::new(),
    };
    PLACES.iter().map(surface).collect()
}

fn leak(part: &str) -> Leak {
    Leak { canary: format!("input.web.{part}"), form: Form::Base64, offset: 7 }
}

fn of(change: impl Fn(&mut Inputs) + 'static) -> Defect {
    Box::new(move |seen| change(seen.inputs.seen.as_mut().unwrap()))
}

pub(super) fn defects() -> Vec<(String, Defect)> {
    let mut all: Vec<(String, Defect)> = Vec::new();
    let mut add = |id: &str, defect: Defect| all.push((id.to_owned(), defect));
    for road in ROADS {
        add("inputs.roads", of(move |inputs| inputs.story.fact(&format!("road.{road}"), false, "500")));
    }
    add("inputs.lost", of(|inputs| inputs.story.fact("road.lost", false, "its job done, with no word")));
    add(
        "inputs.restarted",
        of(|inputs| inputs.story.fact("road.restarted", false, "its job queued, with no word")),
    );
    let waits = |left: Option<Duration>| {
        of(move |inputs| inputs.waiting.as_mut().unwrap().as_mut().unwrap().left.push(left))
    };
    add("inputs.waiting", waits(None));
    add("inputs.waiting", waits(Some(Duration::from_secs(121))));
    let delivered = |change: fn(&mut Delivered)| {
        of(move |inputs| change(inputs.outputs.get_mut("web").unwrap().as_mut().unwrap()))
    };
    add("inputs.output", delivered(|output| output.markers.push(leak("exif"))));
    add("inputs.output", delivered(|output| output.beside_pixels.push("APP1 (Exif)".into())));
    for most in [None, Some(1)] {
        let may = move |inputs: &mut Inputs| {
            let limits = &mut inputs.cores.as_mut().unwrap().as_mut().unwrap().limits;
            limits.get_mut("worker").unwrap().push(limit(most));
        };
        add("inputs.cores", of(may));
    }
    for place in PLACES {
        for part in PARTS {
            let leaks: Defect = Box::new(move |seen| {
                let surfaces = seen.surfaces.seen.as_mut().unwrap();
                let surface = surfaces.iter_mut().find(|surface| surface.check == place).unwrap();
                surface.findings.push(leak(part));
            });
            add(place, leaks);
        }
    }
    all
}

fn outcomes_after(change: impl Fn(&mut Observations)) -> Vec<(String, Outcome)> {
    let stack = definition();
    let mut seen = sound(&stack);
    change(&mut seen);
    let verdicts = outcomes(&stack, &seen).into_iter().filter(|verdict| verdict.check.starts_with("inputs."));
    verdicts.map(|verdict| (verdict.check, verdict.verdict)).collect()
}

#[test]
fn every_place_is_one_that_a_check_is_about() {
    let stack = definition();
    let ids: Vec<String> = checks(&stack)
        .into_iter()
        .filter(|check| check.subject == Subject::Inputs)
        .map(|check| check.id)
        .collect();
    assert!(PLACES.iter().all(|place| ids.iter().any(|id| id == place)), "{ids:?}");
}

#[test]
fn a_place_whose_control_marker_was_not_seen_is_unknown() {
    let without = outcomes_after(|seen| {
        for surface in seen.surfaces.seen.as_mut().unwrap() {
            surface.marker = false;
        }
    });
    for (check, outcome) in without.iter().filter(|(check, _)| PLACES.contains(&check.as_str())) {
        assert_eq!(*outcome, Outcome::Unknown, "{check}");
    }
}

#[test]
fn where_a_road_was_not_walked_to_its_end_nothing_found_proves_nothing() {
    let broken = outcomes_after(|seen| {
        let story = &mut seen.inputs.seen.as_mut().unwrap().story;
        story.facts.remove("road.aborted");
        story.broken = Some("the entrance did not answer".into());
    });
    for (check, outcome) in broken.iter().filter(|(check, _)| PLACES.contains(&check.as_str())) {
        assert_eq!(*outcome, Outcome::Unknown, "{check}");
    }
}

#[test]
fn a_reader_of_pictures_that_did_not_prove_itself_is_unknown() {
    let blind = outcomes_after(|seen| {
        for output in seen.inputs.seen.as_mut().unwrap().outputs.values_mut() {
            output.as_mut().unwrap().control = false;
        }
    });
    assert!(blind.contains(&("inputs.output".into(), Outcome::Unknown)), "{blind:?}");
    let nothing = outcomes_after(|seen| seen.inputs.seen.as_mut().unwrap().outputs.clear());
    assert!(nothing.contains(&("inputs.output".into(), Outcome::Unknown)), "{nothing:?}");
    let nowhere = outcomes_after(|seen| {
        let inputs = seen.inputs.seen.as_mut().unwrap();
        inputs.waiting.as_mut().unwrap().as_mut().unwrap().left.clear();
    });
    assert!(nowhere.contains(&("inputs.waiting".into(), Outcome::Unknown)), "{nowhere:?}");
}

#[test]
fn a_service_of_which_no_process_was_seen_is_unknown() {
    let unseen = outcomes_after(|seen| {
        let cores = seen.inputs.seen.as_mut().unwrap().cores.as_mut().unwrap();
        cores.as_mut().unwrap().limits.insert("web".into(), Vec::new());
    });
    assert!(unseen.contains(&("inputs.cores".into(), Outcome::Unknown)), "{unseen:?}");
}
