//! The smoke story: two people and an anonymous one at the entrance, with a real photo and with everything that is
//! none. Its steps are named as the checks name them.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{
    http::{Client, path_and_query},
    person::Person,
    photo,
};
use crate::{
    dependencies::instances_of,
    observation::{Seen, Story},
    poll::{self, Attempt},
    running::RunningStack,
};

/// A session of one second is over within this.
const SESSION_OVER_WITHIN: Duration = Duration::from_secs(6);
/// What was done is in the log within this.
const LOGGED_WITHIN: Duration = Duration::from_secs(3);
/// Text that means something else to SQL and to HTML.
const HOSTILE: &str = "'; DROP TABLE users; --<script>alert(1)</script>";

/// Tells the whole story. It breaks off where it cannot go on; what was reached is kept.
pub async fn observe(running: &RunningStack) -> Seen<Story> {
    let door = running.entrance().await?;
    let api = running.client_of("api").await?;
    let marker = &running.plan().run.marker;
    let mut story = Story::default();
    if let Err(why) = tell(&mut story, &door, &api, running.password().reveal(), marker).await {
        story.broken = Some(why);
    }
    follow_request(running, &mut story).await;
    Ok(story)
}

async fn tell(
    story: &mut Story,
    door: &Client,
    api: &Client,
    password: &str,
    marker: &str,
) -> Result<(), String> {
    story.keep(door.get("openapi", "/api/v1/openapi.json").await);
    let mut ada = Person::new(door, &format!("ada-{marker}@example.org"), password);
    let mut bob = Person::new(door, &format!("bob-{marker}@example.org"), HOSTILE);
    story.keep(ada.sign_up("sign_up").await);
    story.keep(ada.sign_up("sign_up.again").await);
    story.keep(ada.log_in("login", None).await);
    story.need("login", "/token")?;
    story.keep(bob.sign_up("hostile.password.sign_up").await);
    story.keep(bob.log_in("hostile.password.login", None).await);

    let (accounts, uploads, wrong) = tokio::join!(
        accounts(door, &ada, password, marker),
        pictures(door, api, &ada, &bob),
        wrong_input(door, &ada, marker)
    );
    for part in [accounts, uploads, wrong] {
        story.take_in(part);
    }
    // Last, because it ends Ada's session.
    story.keep(ada.delete("logout", "/api/v1/sessions/current").await);
    story.keep(ada.get("logout.revoked", "/api/v1/images").await);
    Ok(())
}

/// Looks for the id of one upload in the logs of all that it went through.
async fn follow_request(running: &RunningStack, story: &mut Story) {
    let uploaded = story.steps.get("upload.halftone").and_then(|exchange| exchange.answer.as_ref().ok());
    let Some(id) = uploaded.and_then(|answer| answer.header("x-request-id")).map(str::to_owned) else {
        return;
    };
    let mut missing = Vec::new();
    for service in ["proxy", "api", "worker"] {
        // Whichever of its instances took the request.
        let instances = instances_of(running.stack(), service);
        let logged = poll::until(LOGGED_WITHIN, || async {
            for instance in &instances {
                match running.runner().logs(instance, None).await {
                    Ok(log) if String::from_utf8_lossy(&log).contains(&id) => return Attempt::Ready(()),
                    Ok(_) => {}
                    Err(error) => return Attempt::NotYet(error.to_string()),
                }
            }
            Attempt::NotYet("no log with it".into())
        });
        if let Err(not) = logged.await {
            missing.push(format!("{service}: {}", not.last_seen));
        }
    }
    let seen = if missing.is_empty() { "in all three logs".into() } else { missing.join("; ") };
    story.fact("request_id.followed", missing.is_empty(), seen);
}

/// Sessions: wrong ones, forged ones, one that ends.
async fn accounts(door: &Client, ada: &Person, password: &str, marker: &str) -> Story {
    let mut story = Story::default();
    let email = format!("ada-{marker}@example.org");
    let mut mistaken = Person::new(door, &email, "not a password of ada's");
    story.keep(mistaken.log_in("login.wrong_password", None).await);
    let mut stranger = Person::new(door, &format!("nobody-{marker}@example.org"), "a password of nobody's");
    story.keep(stranger.log_in("login.unknown_user", None).await);
    let forged = ada.with_token(Some("Zm9yZ2VkLXRva2VuLWZvcmdlZC10b2tlbi1mb3JnZWQ"));
    story.keep(forged.get("forged_session", "/api/v1/images").await);

    let mut brief = Person::new(door, &email, password);
    story.keep(brief.log_in("login.brief", Some(1)).await);
    let alive = story.keep(brief.get("session.alive", "/api/v1/images").await);
    if brief.token().is_none() || alive.status() != Some(200) {
        story.leave_out("session.expired", "no session of one second was seen alive");
        return story;
    }
    let over = poll::until(SESSION_OVER_WITHIN, || async {
        let exchange = brief.get("session.expired", "/api/v1/images").await;
        if exchange.status() == Some(200) { Attempt::NotYet("200".into()) } else { Attempt::Ready(exchange) }
    });
    match over.await {
        Ok(exchange) => drop(story.keep(exchange)),
        Err(not) => story.fact("session.expired", false, format!("still alive: {not}")),
    }
    story
}

/// Uploads, results, links, and whose they are.
async fn pictures(door: &Client, api: &Client, ada: &Person, bob: &Person) -> Story {
    let mut story = Story::default();
    if let Err(why) = tell_of_pictures(&mut story, door, api, ada, bob).await {
        story.broken = Some(why);
    }
    story
}

async fn tell_of_pictures(
    story: &mut Story,
    door: &Client,
    api: &Client,
    ada: &Person,
    bob: &Person,
) -> Result<(), String> {
    let anonymous = ada.with_token(None);
    let mut images = Vec::new();
    for effect in ["halftone", "duotone"] {
        story.keep(ada.upload(&format!("upload.{effect}"), photo::PORTRAIT, effect, Some("600")).await);
    }
    follow_location(story, ada).await;
    let jobs = (story.need("upload.halftone", "/id")?, story.need("upload.duotone", "/id")?);
    let ended = tokio::join!(ada.job_ended("job.halftone", &jobs.0), ada.job_ended("job.duotone", &jobs.1));
    for exchange in [ended.0, ended.1] {
        story.keep(exchange);
    }
    for step in ["job.halftone", "job.duotone"] {
        images.push(story.need(step, "/image/id")?);
    }
    let job = jobs.0;
    let (image, doomed) = (format!("/api/v1/images/{}", images[0]), format!("/api/v1/images/{}", images[1]));

    story.keep(ada.get("list", "/api/v1/images").await);
    story.keep(ada.get("image", &image).await);
    let link = story.need("image", "/link")?;
    let link = path_and_query(&link).ok_or("the link names no path")?.to_owned();
    let through_proxy = story.keep(door.get("link", &link).await);
    let at_the_api = story.keep(api.get("link.direct", &link).await);
    compare(story, &through_proxy, &at_the_api);

    story.keep(anonymous.get("anonymous.list", "/api/v1/images").await);
    story.keep(anonymous.upload("anonymous.upload", photo::PORTRAIT, "halftone", None).await);
    story.keep(anonymous.get("anonymous.job", &format!("/api/v1/jobs/{job}")).await);
    story.keep(anonymous.get("anonymous.image", &image).await);
    story.keep(anonymous.delete("anonymous.delete", &image).await);
    story.keep(anonymous.get("anonymous.unsigned_link", &format!("/images/{}", images[0])).await);
    story.keep(bob.get("other.job", &format!("/api/v1/jobs/{job}")).await);
    story.keep(bob.get("other.image", &image).await);
    story.keep(bob.delete("other.delete", &image).await);
    story.keep(bob.get("other.list", "/api/v1/images").await);
    story.keep(ada.get("other.left_it_there", &image).await);

    story.keep(ada.get("doomed", &doomed).await);
    let doomed_link = story.need("doomed", "/link")?;
    story.keep(ada.delete("delete", &doomed).await);
    story.keep(ada.get("delete.gone", &doomed).await);
    let doomed_link = path_and_query(&doomed_link).ok_or("the link names no path")?;
    story.keep(door.get("delete.link_gone", doomed_link).await);
    Ok(())
}

/// Goes where an upload's Location leads: to its job, and nothing else will do.
async fn follow_location(story: &mut Story, ada: &Person) {
    let uploaded = story.steps.get("upload.halftone").and_then(|exchange| exchange.answer.as_ref().ok());
    let Some(location) = uploaded.and_then(|answer| answer.header("location")).map(str::to_owned) else {
        return story.fact("upload.location", false, "the upload's answer has no Location");
    };
    let job = uploaded.and_then(|answer| answer.text("/id"));
    let found = ada.get("upload.location", &location).await;
    let leads_there =
        found.answer.as_ref().is_ok_and(|answer| answer.status == 200 && answer.text("/id") == job);
    let told = format!(
        "{} answered {}{}",
        found.request,
        found.outcome(),
        if leads_there { "" } else { ", not the job" }
    );
    story.fact("upload.location", leads_there && job.is_some(), told);
    story.keep(found);
}

/// The link's bytes are the same on both ways, and are the picture that the description describes.
fn compare(story: &mut Story, proxied: &super::http::Exchange, direct: &super::http::Exchange) {
    let (Ok(proxied), Ok(direct)) = (&proxied.answer, &direct.answer) else {
        return;
    };
    let image = story.steps.get("image").and_then(|exchange| exchange.answer.as_ref().ok());
    let image = image.map(super::http::Answer::json).unwrap_or_default();
    let number = |name: &str| image.get(name).and_then(serde_json::Value::as_u64);
    let same = proxied.body == direct.body && number("size_bytes") == Some(proxied.body.len() as u64);
    let differs = proxied.body.iter().zip(&direct.body).position(|(one, other)| one != other);
    let differs = differs.map_or(String::new(), |at| format!(", different from byte {at} on"));
    let described = number("size_bytes").map_or("no length".into(), |bytes| format!("{bytes} bytes"));
    let sizes = format!(
        "{} bytes through the proxy, {} at the api, {described} described{differs}",
        proxied.body.len(),
        direct.body.len(),
    );
    story.fact("link.byte_exact", same && !proxied.body.is_empty(), sizes);
    let decoded = image::load_from_memory(&proxied.body);
    let (holds, seen) = match decoded {
        Ok(picture) => (
            number("width") == Some(picture.width().into())
                && number("height") == Some(picture.height().into()),
            format!("a picture of {} by {} pixels", picture.width(), picture.height()),
        ),
        Err(error) => (false, format!("no picture: {error}")),
    };
    story.fact("link.is_the_picture", holds, seen);
    let leftovers: &[&[u8]] = &[b"Exif\0\0", b"http://ns.adobe.com/xap"];
    let found = leftovers.iter().any(|mark| proxied.body.windows(mark.len()).any(|window| window == *mark));
    story.fact("link.no_metadata", !found, if found { "EXIF or XMP in the output" } else { "none" });
}

/// What must be refused, each with the right status.
async fn wrong_input(door: &Client, ada: &Person, marker: &str) -> Story {
    let mut story = Story::default();
    let long = "x".repeat(100_000);
    let text = b"<html>not a picture</html>";
    story.keep(ada.upload("wrong.not_a_picture", text, "halftone", None).await);
    story.keep(ada.upload("wrong.empty", b"", "halftone", None).await);
    story.keep(ada.upload("wrong.too_large", &photo::oversized(), "halftone", None).await);
    story.keep(ada.upload("wrong.effect", photo::PORTRAIT, HOSTILE, None).await);
    for (step, ttl) in [("zero", "0"), ("negative", "-1"), ("huge", "99999999999999"), ("unit", "1h")] {
        let step = format!("wrong.ttl_{step}");
        story.keep(ada.upload(&step, photo::PORTRAIT, "halftone", Some(ttl)).await);
    }
    for (step, bytes) in [("truncated", photo::truncated()), ("bomb", photo::decompression_bomb())] {
        let uploaded = story.keep(ada.upload(&format!("wrong.{step}"), &bytes, "halftone", None).await);
        // Refused at once, or taken and then failed: both are right; a job that succeeds is not.
        if uploaded.status() == Some(202) {
            let job = story.need(&format!("wrong.{step}"), "/id").unwrap_or_default();
            story.keep(ada.job_ended(&format!("wrong.{step}.job"), &job).await);
        }
    }
    let users = "/api/v1/users";
    let malformed = |request: reqwest::RequestBuilder| {
        request.header("content-type", "application/json").body("{\"email\": ")
    };
    story.keep(door.send("wrong.malformed_json", Method::POST, users, malformed).await);
    let plain = |request: reqwest::RequestBuilder| request.header("content-type", "text/plain").body("{}");
    story.keep(door.send("wrong.content_type", Method::POST, users, plain).await);
    let body = json!({ "email": format!("{long}@example.org"), "password": "a long enough password" });
    story.keep(ada.json("wrong.long_email", users, &body).await);
    let body = json!({ "email": format!("long-{marker}@example.org"), "password": long });
    story.keep(ada.json("wrong.long_password", users, &body).await);
    let body = json!({ "email": HOSTILE, "password": HOSTILE });
    story.keep(ada.json("wrong.hostile_email", users, &body).await);
    let body =
        json!({ "email": format!("nul\u{0}-{marker}@example.org"), "password": "a long enough password" });
    story.keep(ada.json("wrong.null_byte", users, &body).await);
    story.keep(ada.get("wrong.unknown_route", "/api/v1/nothing").await);
    story.keep(ada.request("wrong.method", Method::PUT, "/api/v1/users", |request| request).await);
    story.keep(ada.get("wrong.id", "/api/v1/jobs/not-an-id").await);
    story
}
