//! A link that is followed in every way that a browser, a player or a cache has: whole, in part, again, and by its head.

use std::ops::Range;

use reqwest::{
    Method,
    header::{HeaderName, IF_NONE_MATCH, RANGE},
};

use crate::{
    observation::{AskedRange, LivingLink, Story},
    probe::{clock::Clock, http::Client},
};

/// Ways to follow a dead link that whoever kept something of the picture might answer. The steps that follow it are called
/// by the link's own step, a dot and one of these.
pub(crate) const REPLAYS: [&str; 4] = ["kept", "any", "part", "head"];
/// How many bytes a range in the middle or at an end has.
const PART_BYTES: usize = 100;

/// Follows a link while it lives.
pub(super) async fn observe(
    door: &Client,
    clock: Clock,
    story: &mut Story,
    link: &str,
    expires: i64,
) -> LivingLink {
    let living = LivingLink { expires, ..LivingLink::default() };
    let mut follower = Follower { door, clock, link, story, living };
    follower.follow("lasting.link", Method::GET, None).await;
    let Some((size, tag)) = follower.delivered() else { return follower.living };
    follower.follow("lasting.link.head", Method::HEAD, None).await;
    follower.follow("lasting.link.kept", Method::GET, Some((IF_NONE_MATCH, tag))).await;
    let ranges = ranges(size);
    for AskedRange { step, asked, .. } in &ranges {
        follower.follow(step, Method::GET, Some((RANGE, asked.clone()))).await;
    }
    LivingLink { ranges, ..follower.living }
}

struct Follower<'a> {
    door: &'a Client,
    clock: Clock,
    link: &'a str,
    story: &'a mut Story,
    living: LivingLink,
}

impl Follower<'_> {
    async fn follow(&mut self, step: &'static str, method: Method, header: Option<(HeaderName, String)>) {
        self.living.sent_at.insert(step, self.clock.now());
        self.story.keep(send(self.door, self.link, step, method, header).await);
    }

    /// Length and tag of the picture, if it came.
    fn delivered(&self) -> Option<(usize, String)> {
        let answer = self.story.steps.get("lasting.link")?.answer.as_ref().ok()?;
        let tag = answer.header("etag").unwrap_or_default().to_owned();
        (answer.status == 200).then_some((answer.body.len(), tag))
    }
}

/// Ranges of a picture of so many bytes, and which of them there are.
fn ranges(size: usize) -> Vec<AskedRange> {
    let range = |step, asked, part| AskedRange { step, asked, part };
    let middle = size / 3..(size / 3 + PART_BYTES).min(size);
    let last = size.saturating_sub(PART_BYTES)..size;
    let from_to = |part: &Range<usize>| format!("bytes={}-{}", part.start, part.end.saturating_sub(1));
    vec![
        range("lasting.link.middle", from_to(&middle), Some(middle)),
        range("lasting.link.rest", format!("bytes={}-", last.start), Some(last.clone())),
        range("lasting.link.last", format!("bytes=-{PART_BYTES}"), Some(last)),
        range("lasting.link.beyond", format!("bytes={size}-"), None),
    ]
}

async fn send(
    door: &Client,
    link: &str,
    step: &str,
    method: Method,
    header: Option<(HeaderName, String)>,
) -> crate::probe::http::Exchange {
    door.send(step, method, link, |request| match header {
        Some((name, value)) => request.header(name, value),
        None => request,
    })
    .await
}

/// The tag of the picture that a link gave in a step; one for any picture where it gave none.
pub(crate) fn tag_of(story: &Story, step: &str) -> String {
    let answer = story.steps.get(step).and_then(|exchange| exchange.answer.as_ref().ok());
    answer.and_then(|answer| answer.header("etag")).unwrap_or("*").to_owned()
}

/// Follows a dead link in every way of [`REPLAYS`], which make somebody say less than the whole picture, for which it might
/// be good still.
/// `tag` is that of the picture which it gave while it lived; the steps of this begin with `dead`.
pub(crate) async fn after_its_end(door: &Client, story: &mut Story, link: &str, tag: String, dead: &str) {
    let [kept, any, part, head] = REPLAYS;
    for (way, method, header) in [
        (kept, Method::GET, Some((IF_NONE_MATCH, tag))),
        (any, Method::GET, Some((IF_NONE_MATCH, "*".to_owned()))),
        (part, Method::GET, Some((RANGE, "bytes=0-9".to_owned()))),
        (head, Method::HEAD, None),
    ] {
        let exchange = send(door, link, &format!("{dead}.{way}"), method, header).await;
        story.keep(exchange);
    }
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn every_range_but_the_one_beyond_is_some_of_the_picture_and_not_all() {
        let ranges = ranges(1000);
        let told: Vec<&str> = ranges.iter().map(|range| range.asked.as_str()).collect();
        assert_eq!(told, ["bytes=333-432", "bytes=900-", "bytes=-100", "bytes=1000-"]);
        let parts: Vec<_> = ranges.into_iter().map(|range| range.part).collect();
        assert_eq!(parts, [Some(333..433), Some(900..1000), Some(900..1000), None]);
    }
}
