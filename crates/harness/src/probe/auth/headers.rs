//! Headers by which proxies tell services who somebody is and what was asked for. From outside they are nothing.

use reqwest::{Method, RequestBuilder};

use super::{
    owner::Owner,
    stage::{Groups, Needles, Stage, together},
};
use crate::{
    observation::{AuthRole, Seen},
    probe::{person::Person, visitor::Visitor},
};

/// What the checks' groups are called.
pub(super) const GROUPS: &[&str] = &["headers.anonymous", "headers.other"];

/// A host that nothing of ours may ever name.
const ELSEWHERE: &str = "elsewhere.example";

/// Tries them all.
pub(super) async fn observe(stage: &Stage<'_>, owner: &Owner) -> Seen<Groups> {
    let client = stage.client(14).await?;
    let other = stage.person(&client, "hal").await?;
    let nobody = Person::new(&client, "", "");
    let stranger = Visitor::new(&client, &stage.origin);
    let headers = headers(stage, owner);
    let mut needles = owner.needles.clone();
    needles.0.push(("another host", ELSEWHERE.into()));
    let (nobody, other, stranger, needles) = (&nobody, &other, &stranger, &needles);
    let tried = headers.iter().map(|(name, value)| async move {
        let with = |request: RequestBuilder| request.header(*name, value);
        let asked = "/api/v1/images";
        let anonymous = nobody.request("headers", Method::GET, asked, with).await;
        let of_web = stranger.peek("headers", Method::GET, "/gallery", with).await;
        let own = other.request("headers", Method::GET, asked, with).await;
        (name, value, [anonymous, of_web, own])
    });
    let mut groups = Groups::default();
    for (name, value, [anonymous, of_web, own]) in together(tried).await {
        // Neither is an echo of what was sent a sight of somebody's things, but for a host that is not ours.
        let sent = if value.contains(ELSEWHERE) { "" } else { value };
        let row =
            |tried: String, exchange, needles: &Needles| needles.row(AuthRole::Trial, tried, exchange, sent);
        groups.row("headers.anonymous", row(format!("api, {name}"), anonymous, needles));
        groups.row("headers.anonymous", row(format!("web, {name}"), of_web, needles));
        groups.row("headers.other", row(format!("api, {name}"), own, needles));
    }
    // One of them asked for the session's end.
    groups.kept(
        "headers.other",
        "the session afterwards",
        other.get("headers", "/api/v1/sessions/current").await,
    );
    Ok(groups)
}

fn headers(stage: &Stage<'_>, owner: &Owner) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let image = format!("/v1/images/{}", owner.image);
    for (names, value) in [
        (
            &[
                "x-user-id",
                "x-user",
                "x-userid",
                "x-authenticated-userid",
                "x-forwarded-user",
                "x-remote-user",
            ][..],
            &owner.id,
        ),
        (
            &["remote-user", "x-auth-request-user", "x-auth-request-email", "x-forwarded-email", "from"],
            &stage.email("ada"),
        ),
        (
            &["x-original-url", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-prefix", "x-original-uri"],
            &image,
        ),
        (&["x-http-method-override", "x-http-method", "x-method-override"], &"DELETE".to_owned()),
        (&["x-forwarded-host", "x-host", "x-forwarded-server"], &ELSEWHERE.to_owned()),
        (&["forwarded"], &format!("for=127.0.0.1;host={ELSEWHERE};proto=http")),
        (
            &["x-forwarded-for", "x-real-ip", "true-client-ip", "x-client-ip", "cf-connecting-ip"],
            &"127.0.0.1".to_owned(),
        ),
        (&["x-forwarded-proto", "x-forwarded-scheme"], &"http".to_owned()),
        (&["x-custom-ip-authorization"], &"127.0.0.1".to_owned()),
        (&["x-admin", "x-internal", "x-debug"], &"true".to_owned()),
    ] {
        all.extend(names.iter().map(|name| (*name, value.clone())));
    }
    all
}
