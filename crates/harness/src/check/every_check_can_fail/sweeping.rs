//! Defects of what ends while nobody sweeps.

use std::time::Duration;

use serde_json::json;

use super::{Defect, answer_of, definition, green as sound, json_answer, outcomes, put};
use crate::{
    observation::{Keys, Leftover, Story, Sweeping},
    verdict::Outcome,
};

/// What a sound stack gives to see.
pub(super) fn green() -> Sweeping {
    let mut story = Story::default();
    let steps = ["ended.0", "ended.1", "ended.2"];
    for step in steps {
        put(&mut story, step, json_answer(410, &json!({ "status": 410 })));
    }
    let classes = ["input", "limit", "session"].map(|class| (class.to_owned(), Keys { all: 2, lasting: 0 }));
    Sweeping {
        story,
        outputs: steps.len(),
        moved_s: vec![0.0; steps.len()],
        backlog: Some(Leftover { rows: steps.len(), objects: steps.len() }),
        swept_after: Some(Duration::from_millis(600)),
        left: Leftover::default(),
        keys: classes.into(),
    }
}

pub(super) fn defects() -> Vec<(String, Defect)> {
    let in_sweeping = |id: &str, change: fn(&mut Sweeping)| -> (String, Defect) {
        (id.to_owned(), Box::new(move |seen| change(seen.sweeping.seen.as_mut().unwrap())))
    };
    vec![
        in_sweeping("ttl.fixed", |sweeping| sweeping.moved_s[2] = 4.0),
        in_sweeping("ttl.fixed", |sweeping| sweeping.moved_s[0] = -4.0),
        in_sweeping("ttl.backlog.api", |sweeping| answer_of(&mut sweeping.story, "ended.2").status = 200),
        in_sweeping("ttl.backlog.swept", |sweeping| {
            sweeping.swept_after = None;
            sweeping.left = Leftover { rows: 0, objects: 1 };
        }),
        in_sweeping("ttl.redis", |sweeping| sweeping.keys.get_mut("session").unwrap().lasting = 1),
    ]
}

#[test]
fn ends_of_which_only_a_part_was_looked_at_are_unknown() {
    let stack = definition();
    let mut seen = sound(&stack);
    let sweeping = seen.sweeping.seen.as_mut().unwrap();
    sweeping.moved_s.truncate(1);
    sweeping.story.broken = Some("the database went away".into());
    let verdicts = outcomes(&stack, &seen);
    let fixed = verdicts.into_iter().find(|verdict| verdict.check == "ttl.fixed").unwrap();
    assert_eq!((fixed.verdict, fixed.reason.as_deref()), (Outcome::Unknown, Some("the database went away")));
}
