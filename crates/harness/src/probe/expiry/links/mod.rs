//! What becomes of a link: while it lives, however it is followed; when it is altered; and when it was outlived.

mod altered;
mod followed;

use std::time::Duration;

use crate::{
    observation::{Expiry, Story},
    poll::{self, Attempt},
    probe::{
        clock::Clock,
        http::{Client, path_and_query},
        person::Person,
    },
    running::RunningStack,
};

pub(crate) use followed::REPLAYS;
pub(super) use followed::{after_its_end, tag_of};

/// Links that live longer than this, in seconds, are not watched to their end.
const LINK_WATCHED: i64 = 15;
/// A link outlives its own ceiling within this.
const LINK_OVER_WITHIN: Duration = Duration::from_secs(20);

/// The link of a lasting image, which ends before its image does.
pub(super) struct Lasting {
    link: String,
    /// Whole seconds from its making to its end.
    lifetime: i64,
    /// The tag of the picture that it gave.
    tag: String,
    /// Where the api describes the image.
    described: String,
}

/// Follows the link of a lasting image, and alters it in every way.
pub(super) async fn observe(
    running: &RunningStack,
    door: &Client,
    eve: &Person,
    clock: Clock,
    expiry: &mut Expiry,
    image: &str,
) -> Result<Lasting, String> {
    let described = format!("/api/v1/images/{image}");
    expiry.story.keep(eve.get("lasting.described", &described).await);
    let now = clock.now().unix_timestamp();
    let link = expiry.story.need("lasting.described", "/link")?;
    let link = path_and_query(&link).ok_or("the link names no path")?.to_owned();
    let expires = end_of(&link)?;
    let ceiling = running.service("api")?.environment.get("LINK_TTL_SECONDS");
    let ceiling: i64 = ceiling.and_then(|text| text.parse().ok()).ok_or("api has no LINK_TTL_SECONDS")?;
    let lifetime = expires - now;
    expiry.story.fact(
        "link.ceiling",
        lifetime <= ceiling,
        format!("a link of {lifetime} s where the ceiling is {ceiling} s"),
    );
    // The true link first: a proxy that keeps what it has seen must not give it to whoever alters the link.
    expiry.link = Some(followed::observe(door, clock, &mut expiry.story, &link, expires).await);
    for (step, altered) in altered::all(&link, image)? {
        expiry.story.keep(door.get(step, &altered).await);
    }
    let tag = tag_of(&expiry.story, "lasting.link");
    Ok(Lasting { link, lifetime, tag, described })
}

impl Lasting {
    /// Watches the link end while its image lives on.
    pub(super) async fn outlived(&self, door: &Client, eve: &Person) -> Story {
        let mut story = Story::default();
        let lifetime = self.lifetime;
        if lifetime > LINK_WATCHED {
            let why = format!(
                "links live {lifetime} s in this definition, too long to watch; see `gate_environment`"
            );
            story.leave_out("link.outlived", &why);
            story.leave_out("link.image_lives_on", &why);
            return story;
        }
        let outlived = poll::until(LINK_OVER_WITHIN, || async {
            let exchange = door.get("link.outlived", &self.link).await;
            match exchange.status() {
                Some(200) => Attempt::NotYet("200".into()),
                _ => Attempt::Ready(exchange),
            }
        });
        match outlived.await {
            Ok(exchange) => drop(story.keep(exchange)),
            Err(not) => story.fact("link.outlived", false, not.to_string()),
        }
        after_its_end(door, &mut story, &self.link, self.tag.clone(), "link.outlived").await;
        story.keep(eve.get("link.image_lives_on", &self.described).await);
        story
    }
}

/// The end of a link by its own words, in Unix seconds.
pub(super) fn end_of(link: &str) -> Result<i64, String> {
    let expires = parameter(link, "expires").ok_or("the link has no `expires`")?;
    expires.parse().map_err(|error| format!("`expires` is no number: {error}"))
}

fn parameter<'a>(link: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = link.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
