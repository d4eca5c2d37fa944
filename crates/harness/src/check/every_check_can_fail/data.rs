//! What a sound stack shows of rows and objects, and what each `data.*` check is there to notice.

use std::time::Duration;

use super::{Defect, Exchange, answer, definition, green as sound, outcomes};
use crate::{
    observation::{Agreement, Behind, Data, Observations},
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
        agreement: Some(Ok(Agreement { rows: 3, objects: 3, ..Agreement::default() })),
    }
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

pub(super) fn defects() -> Vec<(String, Defect)> {
    let mut all: Vec<(String, Defect)> = Vec::new();
    let mut add = |id: &str, defect: Defect| all.push((id.to_owned(), defect));
    add("data.behind.object", behind(|behind| behind.object[0] = asked("object", "link", 500)));
    add("data.behind.object", behind(|behind| behind.object[0] = asked("object", "link", 200)));
    add("data.behind.object", behind(|behind| behind.object[3] = asked("object", "deletion", 503)));
    add("data.behind.row", behind(|behind| behind.row[0] = asked("row", "link", 404)));
    add("data.behind.row", behind(|behind| behind.row[1] = asked("row", "described", 500)));
    add("data.behind.orphan", agreement(|agreement| agreement.without_row.push("0192".into())));
    add("data.agree", agreement(|agreement| agreement.without_row.push("0193".into())));
    add("data.agree", agreement(|agreement| agreement.without_object.push("0193".into())));
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
