//! The story of an output that expires: what everybody says just before the moment and just after it.

mod links;

use std::time::Duration;

use bytes::Bytes;
use sqlx::Row;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::sleep;

pub(crate) use links::REPLAYS;

use super::{
    at_rest,
    clock::Clock,
    http::{Client, Exchange, path_and_query},
    objects,
    person::Person,
    photo,
};
use crate::{
    engine::innermost,
    observation::{Expiry, Seen},
    poll,
    running::RunningStack,
};

/// How long before the moment the last look before it begins.
const BEFORE: Duration = Duration::from_millis(900);
/// How long after the moment the first look after it begins. Without a skew, the database's clock is this
/// machine's, to the microsecond.
const AFTER: Duration = Duration::from_millis(50);

/// Uploads a photo with a short life and watches it end; meanwhile another picture's link is outlived and altered.
pub async fn observe(running: &RunningStack) -> Seen<Expiry> {
    let door = running.entrance().await?;
    let marker = &running.plan().run.marker;
    let mut eve = Person::new(&door, &format!("eve-{marker}@example.org"), "a password of eve's");
    let mut expiry = Expiry::default();
    if let Err(why) = tell(running, &door, &mut eve, &mut expiry).await {
        expiry.story.broken = Some(why);
    }
    Ok(expiry)
}

async fn tell(
    running: &RunningStack,
    door: &Client,
    eve: &mut Person,
    expiry: &mut Expiry,
) -> Result<(), String> {
    expiry.story.keep(eve.sign_up("sign_up").await);
    expiry.story.keep(eve.log_in("login", None).await);
    expiry.story.need("login", "/token")?;
    let clock = Clock::of(running).await?;
    let lasting = upload(eve, expiry, "lasting", "600").await?;
    let link = links::observe(running, door, eve, clock, expiry, &lasting).await?;
    expiry.at_rest = Some(at_rest::observe(running, &lasting, &delivered(expiry, "lasting.link")).await);
    // Two ends that are waited for at the same time.
    let (outlived, told) = tokio::join!(link.outlived(door, eve), brief(running, door, eve, clock, expiry));
    expiry.story.take_in(outlived);
    told?;
    expiry.at_rest_after = Some(at_rest::observe(running, &lasting, &delivered(expiry, "before.link")).await);
    Ok(())
}

/// An output whose end is the shortest that there is.
async fn brief(
    running: &RunningStack,
    door: &Client,
    eve: &Person,
    clock: Clock,
    expiry: &mut Expiry,
) -> Result<(), String> {
    let ttl = running.stack().options.ttl.as_secs();
    let image = upload(eve, expiry, "brief", &ttl.to_string()).await?;
    let path = format!("/api/v1/images/{image}");

    expiry.story.keep(eve.get("before.described", &path).await);
    let moment = expiry.story.need("before.described", "/expires_at")?;
    let moment = OffsetDateTime::parse(&moment, &Rfc3339).map_err(|error| format!("expires_at: {error}"))?;
    let link = expiry.story.need("before.described", "/link")?;
    let link = path_and_query(&link).ok_or("the link names no path")?.to_owned();
    let spare = moment - OffsetDateTime::from_unix_timestamp(links::end_of(&link)?).unwrap_or(moment);
    let told = format!("a link that ends {} ms before its image", spare.whole_milliseconds());
    expiry.story.fact("link.within", !spare.is_negative(), told);
    let (row, object, list) = tokio::join!(
        row_is_there(running, &image),
        object_of(running, &image),
        eve.get("before.list", "/api/v1/images")
    );
    let object = object?;
    (expiry.row_was_there, expiry.object_was_there) = (row?, object.is_some());
    let was_listed = lists(&list, &image) == Some(true);

    // A link's expiry is rounded down to a whole second: the earlier of the two ends is the one to stay before.
    let link_moment = OffsetDateTime::from_unix_timestamp(moment.unix_timestamp()).unwrap_or(moment);
    clock.sleep_until(link_moment - BEFORE).await;
    expiry.story.keep(eve.get("before.api", &path).await);
    expiry.story.keep(door.get("before.link", &link).await);
    expiry.margin_before = (link_moment - clock.now()).try_into().ok();

    clock.sleep_until(moment + AFTER).await;
    expiry.story.keep(eve.get("after.api", &path).await);
    expiry.story.keep(door.get("after.link", &link).await);
    let tag = links::tag_of(&expiry.story, "before.link");
    links::after_its_end(door, &mut expiry.story, &link, tag, "after.link").await;
    expiry.story.keep(eve.get("after.list", "/api/v1/images").await);
    let listed = expiry.story.steps.get("after.list").and_then(|exchange| lists(exchange, &image));
    match listed {
        Some(listed) if was_listed => {
            expiry.story.fact(
                "after.not_listed",
                !listed,
                if listed { "still listed" } else { "not listed" },
            );
        }
        // Without an answer that is a list, or where it was never listed, nothing is known.
        _ => expiry.story.leave_out("after.not_listed", "no list was to be had before and after the end"),
    }

    let left = running.stack().options.ttl_grace;
    let (row, object) = tokio::join!(
        gone_after(clock, moment, left, || row_is_there(running, &image)),
        gone_after(clock, moment, left, || object_is_there(running, &image, object.as_deref()))
    );
    (expiry.row_gone_after, expiry.object_gone_after) = (row?, object?);
    Ok(())
}

/// What a link gave at a step.
fn delivered(expiry: &Expiry, step: &str) -> Bytes {
    let answer = expiry.story.steps.get(step).and_then(|exchange| exchange.answer.as_ref().ok());
    answer.filter(|answer| answer.status == 200).map(|answer| answer.body.clone()).unwrap_or_default()
}

async fn upload(eve: &Person, expiry: &mut Expiry, name: &str, ttl: &str) -> Result<String, String> {
    // The object is known again by its bytes, so they must be nobody else's.
    let photo = photo::unique().map_err(|error| format!("painting a photo: {error}"))?;
    expiry.story.keep(eve.upload(&format!("{name}.upload"), &photo, "duotone", Some(ttl)).await);
    let job = expiry.story.need(&format!("{name}.upload"), "/id")?;
    let step = format!("{name}.job");
    expiry.story.keep(eve.job_ended(&step, &job).await);
    expiry.story.need(&step, "/image/id")
}

async fn row_is_there(running: &RunningStack, image: &str) -> Result<bool, String> {
    let told = |error: sqlx::Error| format!("looking for the row: {}", innermost(&error));
    let mut database = running.database().await?;
    let query = sqlx::query("SELECT count(*) AS rows FROM images WHERE id::text = $1").bind(image);
    let row = query.fetch_one(&mut database).await.map_err(told)?;
    Ok(row.try_get::<i64, _>("rows").map_err(told)? > 0)
}

/// The SHA-256 of the object that the store keeps for an image.
async fn object_of(running: &RunningStack, image: &str) -> Result<Option<String>, String> {
    let objects = objects::list(running).await?;
    Ok(objects.into_iter().find(|object| object.is_of(image)).map(|object| object.sha256))
}

/// Whether the image's object is in the store, under its own name or, by its bytes, under any other.
async fn object_is_there(running: &RunningStack, image: &str, known: Option<&str>) -> Result<bool, String> {
    let objects = objects::list(running).await?;
    Ok(objects.iter().any(|object| object.is_of(image) || Some(object.sha256.as_str()) == known))
}

/// Whether an answer is a list of images that holds this one. None: it is no list.
fn lists(exchange: &Exchange, image: &str) -> Option<bool> {
    let answer = exchange.answer.as_ref().ok().filter(|answer| answer.status == 200)?;
    let json = answer.json();
    let images = json.get("images")?.as_array()?;
    Some(images.iter().any(|listed| listed.get("id").is_some_and(|id| id == image)))
}

/// How long after `moment` something was gone; none if it is still there when the grace is over. Not by `poll::until`: the
/// grace counts by the database's clock, and what was asked before it is over is waited for: an answer that is cut off
/// would look like something that is still there.
async fn gone_after<Fut: Future<Output = Result<bool, String>>>(
    clock: Clock,
    moment: OffsetDateTime,
    grace: Duration,
    is_there: impl Fn() -> Fut,
) -> Result<Option<Duration>, String> {
    let since = || clock.since(moment).unwrap_or_default();
    loop {
        if !is_there().await? {
            return Ok(Some(since()));
        }
        if since() > grace {
            return Ok(None);
        }
        sleep(poll::INTERVAL).await;
    }
}
