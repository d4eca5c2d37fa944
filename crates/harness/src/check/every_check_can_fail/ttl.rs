//! Defects of `ttl.*`, and of `data.*` where the same story shows them.

use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;

use super::{Defect, answer, answer_of, json_answer, put};
use crate::{
    observation::{AskedRange, AtRest, Expiry, LivingLink, Story},
    probe::{expiry::REPLAYS, http::Answer},
};

const TAMPERED: [&str; 9] =
    ["expiry", "signature", "image", "unsigned", "moved", "doubled", "added", "case", "encoded"];

/// What a sound stack gives to see around the end of an output.
pub(super) fn green() -> Expiry {
    let mut story = Story::default();
    for (step, status) in
        [("before.api", 200), ("before.link", 200), ("after.api", 410), ("link.image_lives_on", 200)]
    {
        put(&mut story, step, json_answer(status, &json!({ "status": status })));
    }
    let refused = |story: &mut Story, step: &str, status: u16| {
        let mut answer = json_answer(status, &json!({ "status": status }));
        answer.headers.push(("cache-control".into(), "no-store".into()));
        put(story, step, answer);
    };
    for dead in ["link.outlived", "after.link"] {
        refused(&mut story, dead, 410);
        for way in REPLAYS {
            refused(&mut story, &format!("{dead}.{way}"), 410);
        }
    }
    for part in TAMPERED {
        refused(&mut story, &format!("tampered.{part}"), 403);
    }
    story.fact("after.not_listed", true, "not listed");
    story.fact("link.ceiling", true, "5 s");
    let at_rest = AtRest { delivered_bytes: 1000, object_bytes: Some(1072), files: 3, readable: Vec::new() };
    story.fact("link.within", true, "0 ms before");
    let link = follow(&mut story);
    Expiry {
        story,
        margin_before: Some(Duration::from_millis(800)),
        row_gone_after: Some(Duration::from_millis(900)),
        object_gone_after: Some(Duration::from_millis(900)),
        row_was_there: true,
        object_was_there: true,
        link: Some(link),
        at_rest: Some(Ok(at_rest.clone())),
        at_rest_after: Some(Ok(at_rest)),
    }
}

/// A link of 100 bytes that is followed in every way, 4.5 s before its end.
fn follow(story: &mut Story) -> LivingLink {
    let expires = 1_700_000_005;
    let sent_at = OffsetDateTime::from_unix_timestamp(expires - 5).unwrap() + Duration::from_millis(500);
    let picture: Vec<u8> = (0..100).collect();
    let mut link = LivingLink { expires, ..LivingLink::default() };
    put(story, "lasting.described", json_answer(200, &json!({ "content_type": "image/png" })));
    for (step, part, asked, told) in [
        ("lasting.link.middle", Some(30..40), "bytes=30-39", "bytes 30-39/100"),
        ("lasting.link.rest", Some(90..100), "bytes=90-", "bytes 90-99/100"),
        ("lasting.link.last", Some(90..100), "bytes=-10", "bytes 90-99/100"),
        ("lasting.link.beyond", None, "bytes=100-", "bytes */100"),
    ] {
        let body = part.clone().map_or_else(Vec::new, |part| picture[part].to_vec());
        let mut answer = fresh(if part.is_some() { 206 } else { 416 }, body);
        answer.headers.push(("content-range".into(), told.into()));
        put(story, step, answer);
        link.ranges.push(AskedRange { step, asked: asked.into(), part });
        link.sent_at.insert(step, sent_at);
    }
    let mut head = fresh(200, Vec::new());
    head.headers.push(("content-length".into(), "100".into()));
    for (step, answer) in [
        ("lasting.link", fresh(200, picture)),
        ("lasting.link.head", head),
        ("lasting.link.kept", fresh(304, Vec::new())),
    ] {
        put(story, step, answer);
        link.sent_at.insert(step, sent_at);
    }
    link
}

/// What a link answers 4.5 s before its end.
fn fresh(status: u16, body: Vec<u8>) -> Answer {
    let mut answer = answer(status, "image/png", body);
    let headers = [
        ("cache-control", "private, max-age=4"),
        ("date", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ("expires", "Tue, 14 Nov 2023 22:13:25 GMT"),
        ("etag", "\"a\""),
    ];
    answer.headers.extend(headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    answer
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
    for part in TAMPERED {
        let defect: Defect = Box::new(move |seen| {
            answer_of(&mut seen.expiry.seen.as_mut().unwrap().story, &format!("tampered.{part}")).status =
                200;
        });
        add(&format!("ttl.tampered.{part}"), defect);
    }
    all.extend(of_links());
    all
}

/// Defects of a living link and of a dead one.
fn of_links() -> Vec<(String, Defect)> {
    let mut all: Vec<(String, Defect)> = Vec::new();
    let told = |step: &'static str, header: &'static str, value: Option<&'static str>| -> Defect {
        Box::new(move |seen| {
            let headers = &mut answer_of(&mut seen.expiry.seen.as_mut().unwrap().story, step).headers;
            headers.retain(|(name, _)| name != header);
            headers.extend(value.map(|value| (header.to_owned(), value.to_owned())));
        })
    };
    let answered = |step: &'static str, status: u16, body: &'static [u8]| -> Defect {
        Box::new(move |seen| {
            let answer = answer_of(&mut seen.expiry.seen.as_mut().unwrap().story, step);
            (answer.status, answer.body) = (status, body.into());
        })
    };
    for (step, header, value) in [
        ("lasting.link", "cache-control", Some("private, max-age=5")),
        ("lasting.link.middle", "cache-control", Some("private, max-age=2")),
        ("lasting.link.kept", "cache-control", Some("public, max-age=4")),
        ("lasting.link.kept", "cache-control", None),
        ("lasting.link", "expires", Some("Tue, 14 Nov 2023 22:13:26 GMT")),
        ("lasting.link.kept", "expires", None),
        ("lasting.link", "date", Some("Tue, 14 Nov 2023 22:13:10 GMT")),
        ("lasting.link.kept", "etag", None),
        ("lasting.link.last", "etag", Some("\"b\"")),
        ("lasting.link.head", "content-type", Some("image/jpeg")),
        ("lasting.link.rest", "content-type", Some("text/html")),
        ("lasting.link", "x-content-type-options", None),
    ] {
        all.push(("ttl.link.headers".into(), told(step, header, value)));
    }
    for defect in [
        answered("lasting.link.middle", 200, &[30; 10]),
        answered("lasting.link.last", 206, &[90; 10]),
        answered("lasting.link.rest", 206, &[]),
        answered("lasting.link.beyond", 206, &[]),
        told("lasting.link.middle", "content-range", Some("bytes 31-40/100")),
        told("lasting.link.beyond", "content-range", None),
    ] {
        all.push(("ttl.link.range".into(), defect));
    }
    all.push(("ttl.link.kept".into(), answered("lasting.link.kept", 200, &[1])));
    all.push(("ttl.link.head".into(), answered("lasting.link.head", 405, &[])));
    all.push(("ttl.link.head".into(), told("lasting.link.head", "content-length", Some("0"))));
    for step in ["link.outlived.kept", "link.outlived.head", "after.link.any", "after.link.part"] {
        all.push(("ttl.link.replay".into(), answered(step, 304, &[])));
    }
    for step in ["tampered.signature", "link.outlived", "after.link"] {
        all.push(("ttl.link.refused".into(), told(step, "cache-control", Some("private, max-age=60"))));
    }
    let outlives: Defect = Box::new(|seen| {
        seen.expiry.seen.as_mut().unwrap().story.fact("link.within", false, "-1 ms");
    });
    all.push(("ttl.link.within".into(), outlives));
    all
}

#[test]
fn link_that_may_have_ended_before_it_answered_shows_nothing() {
    let stack = super::definition();
    let mut seen = super::green(&stack);
    let expiry = seen.expiry.seen.as_mut().unwrap();
    expiry.story.steps.get_mut("lasting.link.middle").unwrap().duration = Duration::from_secs(5);
    let unknown = super::outcomes(&stack, &seen).into_iter();
    let unknown: Vec<String> = unknown
        .filter(|verdict| verdict.verdict == super::Outcome::Unknown)
        .map(|verdict| verdict.check)
        .collect();
    assert_eq!(unknown, ["ttl.link.headers", "ttl.link.range"]);
}
