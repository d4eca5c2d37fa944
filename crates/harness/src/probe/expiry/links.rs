//! What becomes of a link that was altered, and of one that was outlived.

use std::time::Duration;

use time::OffsetDateTime;

use crate::{
    observation::Expiry,
    poll::{self, Attempt},
    probe::{
        http::{Client, path_and_query},
        person::Person,
    },
    running::RunningStack,
};

/// Links that live longer than this, in seconds, are not watched to their end.
const LINK_WATCHED: i64 = 15;
/// A link outlives its own ceiling within this.
const LINK_OVER_WITHIN: Duration = Duration::from_secs(20);

/// Alters the link of a lasting image in every way, and watches it end while the image lives on.
pub(super) async fn observe(
    running: &RunningStack,
    door: &Client,
    eve: &Person,
    expiry: &mut Expiry,
    image: &str,
) -> Result<(), String> {
    let path = format!("/api/v1/images/{image}");
    expiry.story.keep(eve.get("lasting.described", &path).await);
    let link = expiry.story.need("lasting.described", "/link")?;
    let link = path_and_query(&link).ok_or("the link names no path")?.to_owned();
    // The true link first: a proxy that keeps what it has seen must not give it to whoever alters the link.
    expiry.story.keep(door.get("lasting.link", &link).await);
    for (step, altered) in alterations(&link, image)? {
        expiry.story.keep(door.get(step, &altered).await);
    }
    let ceiling = running.service("api")?.environment.get("LINK_TTL_SECONDS");
    let ceiling: i64 = ceiling.and_then(|text| text.parse().ok()).ok_or("api has no LINK_TTL_SECONDS")?;
    let expires: i64 = parameter(&link, "expires").and_then(|text| text.parse().ok()).unwrap_or(i64::MAX);
    let lifetime = expires - OffsetDateTime::now_utc().unix_timestamp();
    expiry.story.fact(
        "link.ceiling",
        lifetime <= ceiling,
        format!("a link of {lifetime} s where the ceiling is {ceiling} s"),
    );
    if lifetime > LINK_WATCHED {
        let why =
            format!("links live {lifetime} s in this definition, too long to watch; see `gate_environment`");
        expiry.story.leave_out("link.outlived", &why);
        expiry.story.leave_out("link.image_lives_on", &why);
        return Ok(());
    }
    let outlived = poll::until(LINK_OVER_WITHIN, || async {
        let exchange = door.get("link.outlived", &link).await;
        match exchange.status() {
            Some(200) => Attempt::NotYet("200".into()),
            _ => Attempt::Ready(exchange),
        }
    });
    match outlived.await {
        Ok(exchange) => drop(expiry.story.keep(exchange)),
        Err(not) => expiry.story.fact("link.outlived", false, not.to_string()),
    }
    expiry.story.keep(eve.get("link.image_lives_on", &path).await);
    Ok(())
}

/// The same link with its expiry, its signature or its image changed.
fn alterations(link: &str, image: &str) -> Result<Vec<(&'static str, String)>, String> {
    let expires = parameter(link, "expires").ok_or("the link has no `expires`")?;
    let signature = parameter(link, "signature").ok_or("the link has no `signature`")?;
    let later: i64 =
        expires.parse::<i64>().map_err(|error| format!("`expires` is no number: {error}"))? + 3600;
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let other_signature = format!("{first}{}", signature.get(1..).unwrap_or_default());
    let other_image = uuid::Uuid::new_v4().to_string();
    Ok(vec![
        ("tampered.expiry", link.replace(&format!("expires={expires}"), &format!("expires={later}"))),
        ("tampered.signature", link.replace(signature, &other_signature)),
        ("tampered.image", link.replace(image, &other_image)),
        ("tampered.unsigned", link.replace(&format!("&signature={signature}"), "")),
    ])
}

fn parameter<'a>(link: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = link.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_altered_link_differs_from_the_true_one() {
        let link = "/images/0190?expires=1700000000&signature=AbC";
        let altered = alterations(link, "0190").unwrap();
        assert_eq!(altered.len(), 4);
        assert!(altered.iter().all(|(_, changed)| changed != link), "{altered:?}");
    }
}
