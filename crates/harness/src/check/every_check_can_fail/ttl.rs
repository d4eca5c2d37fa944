//! Defects of `ttl.*`, and of `data.*` where the same story shows them.

use std::time::Duration;

use serde_json::json;

use super::{Defect, answer_of, json_answer, put};
use crate::observation::{AtRest, Expiry, Story};

/// What a sound stack gives to see around the end of an output.
pub(super) fn green() -> Expiry {
    let mut story = Story::default();
    for (step, status) in [
        ("before.api", 200),
        ("before.link", 200),
        ("after.api", 410),
        ("after.link", 410),
        ("tampered.expiry", 403),
        ("tampered.signature", 403),
        ("tampered.image", 403),
        ("tampered.unsigned", 403),
        ("link.outlived", 410),
        ("link.image_lives_on", 200),
    ] {
        put(&mut story, step, json_answer(status, &json!({ "status": status })));
    }
    story.fact("after.not_listed", true, "not listed");
    story.fact("link.ceiling", true, "5 s");
    let at_rest = AtRest { delivered_bytes: 1000, object_bytes: Some(1072), files: 3, readable: Vec::new() };
    Expiry {
        story,
        margin_before: Some(Duration::from_millis(800)),
        row_gone_after: Some(Duration::from_millis(900)),
        object_gone_after: Some(Duration::from_millis(900)),
        row_was_there: true,
        object_was_there: true,
        at_rest: Some(Ok(at_rest.clone())),
        at_rest_after: Some(Ok(at_rest)),
    }
}

pub(super) fn defects() -> Vec<(String, Defect)> {
    let mut all: Vec<(String, Defect)> = Vec::new();
    let mut add = |id: &str, defect: Defect| all.push((id.to_owned(), defect));
    let in_expiry = |change: fn(&mut Expiry)| -> Defect {
        Box::new(move |seen| change(seen.expiry.seen.as_mut().unwrap()))
    };
    add("ttl.before.api", in_expiry(|expiry| answer_of(&mut expiry.story, "before.api").status = 410));
    add("ttl.before.link", in_expiry(|expiry| answer_of(&mut expiry.story, "before.link").status = 410));
    add("ttl.api", in_expiry(|expiry| answer_of(&mut expiry.story, "after.api").status = 200));
    add("ttl.link", in_expiry(|expiry| answer_of(&mut expiry.story, "after.link").status = 200));
    add("ttl.list", in_expiry(|expiry| expiry.story.fact("after.not_listed", false, "listed")));
    add("ttl.row", in_expiry(|expiry| expiry.row_gone_after = None));
    add("ttl.object", in_expiry(|expiry| expiry.object_gone_after = None));
    add(
        "data.encrypted",
        in_expiry(|expiry| {
            let at_rest = expiry.at_rest.as_mut().unwrap().as_mut().unwrap();
            at_rest.readable.push("delivered bytes in /volume/0190 from byte 48".into());
        }),
    );
    add(
        "ttl.raw",
        in_expiry(|expiry| {
            let at_rest = expiry.at_rest_after.as_mut().unwrap().as_mut().unwrap();
            at_rest.readable.push("a PNG signature in /volume/data/5f from byte 0".into());
        }),
    );
    add("ttl.ceiling", in_expiry(|expiry| expiry.story.fact("link.ceiling", false, "600 s")));
    add("ttl.outlived.link", in_expiry(|expiry| expiry.story.fact("link.outlived", false, "200")));
    add(
        "ttl.outlived.image",
        in_expiry(|expiry| answer_of(&mut expiry.story, "link.image_lives_on").status = 410),
    );
    for part in ["expiry", "signature", "image", "unsigned"] {
        let defect: Defect = Box::new(move |seen| {
            answer_of(&mut seen.expiry.seen.as_mut().unwrap().story, &format!("tampered.{part}")).status =
                200;
        });
        add(&format!("ttl.tampered.{part}"), defect);
    }
    all
}
