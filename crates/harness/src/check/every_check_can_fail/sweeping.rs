//! Defects of what ends while nobody sweeps.

use std::time::Duration;

use serde_json::json;

use super::{Defect, answer_of, json_answer, put};
use crate::observation::{Keys, Leftover, Story, Sweeping};

/// What a sound stack gives to see.
pub(super) fn green() -> Sweeping {
    let mut story = Story::default();
    for step in ["ended.0", "ended.1", "ended.2"] {
        put(&mut story, step, json_answer(410, &json!({ "status": 410 })));
    }
    let classes = ["input", "limit", "session"].map(|class| (class.to_owned(), Keys { all: 2, lasting: 0 }));
    Sweeping {
        story,
        moved_s: vec![0.0; 3],
        backlog: Some(Leftover { rows: 3, objects: 3 }),
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
