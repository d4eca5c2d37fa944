//! What a sound stack shows of rows and objects, and what each `data.*` check is there to notice.

use std::{collections::BTreeSet, time::Duration};

use super::{Defect, Exchange, answer, definition, green as sound, outcomes};
use crate::{
    observation::{
        Agreement, Behind, Data, FoundAgain, GivenUp, JobEnd, Killed, Observations, Redeployed, Repeated,
    },
    verdict::Outcome,
};

fn asked(half: &str, request: &str, status: u16) -> Exchange {
    Exchange {
        step: format!("behind.{half}.{request}"),
        request: format!("GET /{request}"),
        duration: Duration::from_millis(5),
        answer: Ok(answer(status, "application/json", "{}")),
    }
}

pub(super) fn green() -> Data {
    let about = |half| {
        [("link", 410), ("described", 200), ("list", 200), ("deletion", 204)]
            .map(|(request, status)| asked(half, request, status))
            .to_vec()
    };
    Data {
        behind: Some(Ok(Behind {
            object: about("object"),
            row: about("row"),
            orphan: "0192".into(),
            orphan_was_there: true,
        })),
        repeated: Some(Ok(Repeated { copies: (2, 1), before: done(), after: done(), ..Repeated::default() })),
        given_up: Some(Ok(GivenUp { begun: 4, end: failed(), left: 0 })),
        killed: Some(Ok(Killed {
            seed: 7,
            moments: vec![Duration::from_millis(300)],
            met: vec![2, 0],
            jobs: vec![done(), failed()],
        })),
        redeployed: Some(Ok(Redeployed {
            instances: 8,
            login: Ok(201),
            outputs: Ok(FoundAgain {
                before: ids(&["0196", "0197"]),
                after: ids(&["0196", "0197"]),
                same: ids(&["0196", "0197"]),
                ended: "0198".into(),
                ended_answer: Ok(410),
                ended_gone_after: Some(Duration::from_secs(2)),
            }),
            ended_while_away: true,
        })),
        settled: Some(Ok(agreed())),
        agreement: Some(Ok(agreed())),
    }
}

fn agreed() -> Agreement {
    Agreement { rows: 3, objects: 3, ..Agreement::default() }
}

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn done() -> JobEnd {
    let output = "0195".to_owned();
    JobEnd {
        job: "0194".into(),
        state: "done".into(),
        failure: None,
        rows: ids(&[&output]),
        output: Some(output),
        objects: 1,
    }
}

fn failed() -> JobEnd {
    let failure = Some("The upload was lost.".to_owned());
    JobEnd { job: "0194".into(), state: "failed".into(), failure, ..JobEnd::default() }
}

/// A row that should not be there.
fn second(end: &mut JobEnd) {
    end.rows.insert("0199".into());
}

fn of(change: impl Fn(&mut Data) + 'static) -> Defect {
    Box::new(move |seen| change(seen.data.seen.as_mut().unwrap()))
}

fn behind(change: fn(&mut Behind)) -> Defect {
    of(move |data| change(data.behind.as_mut().unwrap().as_mut().unwrap()))
}

fn agreement(change: fn(&mut Agreement)) -> Defect {
    of(move |data| change(data.agreement.as_mut().unwrap().as_mut().unwrap()))
}

fn repeated(change: fn(&mut Repeated)) -> Defect {
    of(move |data| change(data.repeated.as_mut().unwrap().as_mut().unwrap()))
}

fn given_up(change: fn(&mut GivenUp)) -> Defect {
    of(move |data| change(data.given_up.as_mut().unwrap().as_mut().unwrap()))
}

fn killed(change: fn(&mut Killed)) -> Defect {
    of(move |data| change(data.killed.as_mut().unwrap().as_mut().unwrap()))
}

fn redeployed(change: fn(&mut Redeployed)) -> Defect {
    of(move |data| change(data.redeployed.as_mut().unwrap().as_mut().unwrap()))
}

fn found_again(change: fn(&mut FoundAgain)) -> Defect {
    of(move |data| {
        let redeployed = data.redeployed.as_mut().unwrap().as_mut().unwrap();
        change(redeployed.outputs.as_mut().unwrap());
    })
}

pub(super) fn defects() -> Vec<(String, Defect)> {
    let mut all: Vec<(String, Defect)> = Vec::new();
    let mut add = |id: &str, defect: Defect| all.push((id.to_owned(), defect));
    add("data.behind.object", behind(|behind| behind.object[0] = asked("object", "link", 500)));
    add("data.behind.object", behind(|behind| behind.object[0] = asked("object", "link", 200)));
    add("data.behind.object", behind(|behind| behind.object[3] = asked("object", "deletion", 503)));
    add("data.behind.row", behind(|behind| behind.row[0] = asked("row", "link", 404)));
    add("data.behind.row", behind(|behind| behind.row[1] = asked("row", "described", 500)));
    let stays =
        |data: &mut Data| data.settled.as_mut().unwrap().as_mut().unwrap().without_row.push("0192".into());
    add("data.behind.orphan", of(stays));
    add("data.agree", agreement(|agreement| agreement.without_row.push("0193".into())));
    add("data.agree", agreement(|agreement| agreement.without_object.push("0193".into())));
    add("data.once.repeated", repeated(|seen| second(&mut seen.after)));
    add("data.once.repeated", repeated(|seen| seen.after = failed()));
    add("data.once.repeated", repeated(|seen| seen.before.output = Some("0193".into())));
    add("data.once.repeated", repeated(|seen| seen.left = 1));
    add("data.once.repeated", repeated(|seen| seen.orphans.push("0193".into())));
    add("data.once.killed", killed(|seen| second(&mut seen.jobs[0])));
    add("data.once.killed", killed(|seen| seen.jobs[0].objects = 0));
    add("data.once.killed", killed(|seen| seen.jobs[0].output = None));
    add("data.once.killed", killed(|seen| seen.jobs[0].state = "running".into()));
    add("data.once.killed", killed(|seen| seen.jobs[1].failure = Some("E_LOST".into())));
    add("data.once.given_up", given_up(|seen| seen.end = done()));
    add("data.once.given_up", given_up(|seen| seen.end.failure = None));
    add("data.once.given_up", given_up(|seen| seen.left = 1));
    add("data.redeploy.accounts", redeployed(|seen| seen.login = Ok(401)));
    add("data.redeploy.outputs", found_again(|seen| seen.after = ids(&["0196"])));
    add("data.redeploy.outputs", found_again(|seen| seen.same = ids(&["0196"])));
    add("data.redeploy.outputs", found_again(|seen| seen.after.extend(ids(&["0193"]))));
    add("data.redeploy.expired", found_again(|seen| seen.ended_answer = Ok(200)));
    add("data.redeploy.expired", found_again(|seen| seen.after.extend(ids(&["0198"]))));
    add("data.redeploy.expired", found_again(|seen| seen.ended_gone_after = None));
    all
}

fn outcome(check: &str, change: impl Fn(&mut Observations)) -> Outcome {
    let stack = definition();
    let mut seen = sound(&stack);
    change(&mut seen);
    outcomes(&stack, &seen).into_iter().find(|verdict| verdict.check == check).unwrap().verdict
}

#[test]
fn nothing_that_agrees_with_nothing_is_unknown() {
    let nothing = agreement(|agreement| *agreement = Agreement::default());
    assert_eq!(outcome("data.agree", nothing), Outcome::Unknown);
}

#[test]
fn an_orphan_that_was_never_seen_as_an_object_is_unknown() {
    let unseen = behind(|behind| behind.orphan_was_there = false);
    assert_eq!(outcome("data.behind.orphan", unseen), Outcome::Unknown);
}

#[test]
fn what_nobody_asked_for_is_unknown() {
    let silent = behind(|behind| behind.object.clear());
    assert_eq!(outcome("data.behind.object", silent), Outcome::Unknown);
}

#[test]
fn kills_that_met_no_job_are_unknown() {
    let idle = killed(|seen| seen.met = vec![0, 0]);
    assert_eq!(outcome("data.once.killed", idle), Outcome::Unknown);
}

#[test]
fn an_end_that_came_before_all_was_away_is_unknown() {
    let too_early = redeployed(|seen| seen.ended_while_away = false);
    assert_eq!(outcome("data.redeploy.expired", too_early), Outcome::Unknown);
}
