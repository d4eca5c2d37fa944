//! Sessions and how they end.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::time::sleep;

use super::stage::{Groups, Needles, SESSION, Stage, need};
use crate::{
    observation::{AuthRole, Seen},
    poll::{self, Attempt},
    probe::{
        http::{Client, Exchange},
        person::Person,
        visitor::Visitor,
    },
};

/// What a session is tried with: it needs one, and changes nothing.
const ASKED: &str = "/api/v1/images";
/// The same of web.
const PAGE: &str = "/gallery";
/// How long a session lives in the story of one that ends, in seconds: long enough to be seen alive on a slow machine.
const BRIEF: u64 = 3;
/// It is over within this.
const OVER_WITHIN: Duration = Duration::from_secs(10);
/// How long a session may be idle in the story of one that is, in seconds.
const IDLE: u64 = 2;
/// While it is in use, it is used this often.
const USED_EVERY: Duration = Duration::from_millis(500);
/// A use that comes later after the one before tells nothing: the session may be over by right.
const ALIVE_FOR: Duration = Duration::from_millis(1700);
/// It is used for longer than its idle time, so that use is seen to prolong it.
const USES: u32 = 6;
/// It is left alone for a little longer than its idle time.
const LEFT_ALONE: Duration = Duration::from_millis(2300);

/// The password after a change.
const NEW_PASSWORD: &str = "a new password of somebody's";

/// A session is over once it was logged out of.
pub(super) async fn revoked(stage: &Stage<'_>) -> Seen<Groups> {
    let group = "session.revoked";
    let client = stage.client(15).await?;
    let ray = stage.person(&client, "ray").await?;
    let mut groups = Groups::default();
    groups.control(group, "the api's session before", ray.get(group, ASKED).await);
    groups.control(group, "log out of it", ray.delete(group, "/api/v1/sessions/current").await);
    groups.trial(group, "the api's session after it was logged out of", ray.get(group, ASKED).await);

    let mut visitor = stage.visitor(&client, "ray").await?;
    let before = visitor.clone();
    let of_the_cookie = ray.with_token(before.cookie(SESSION));
    groups.control(group, "web's session before", visitor.get(group, PAGE).await);
    groups.control(group, "web's session before, at the api", of_the_cookie.get(group, ASKED).await);
    let form = visitor.form("/account", "log-out-form").await?;
    let exchange = visitor.submit("log-out", &form).await;
    if exchange.status() != Some(303) {
        return Err(format!("web's log-out answered {}", exchange.outcome()));
    }
    groups.trial(group, "web's session after it was logged out of", peek(&before).await);
    groups.trial(group, "the same at the api", of_the_cookie.get(group, ASKED).await);
    Ok(groups)
}

async fn peek(visitor: &Visitor) -> Exchange {
    visitor.peek("session", Method::GET, PAGE, |request| request).await
}

/// A session is over when its time is up, though it is used all the time.
pub(super) async fn expired(stage: &Stage<'_>) -> Seen<Groups> {
    let group = "session.expired";
    let client = stage.client(15).await?;
    let kim = stage.person(&client, "kim").await?;
    let brief = stage.session(&kim, "kim", &[("ttl_seconds", BRIEF)]).await?;
    let mut groups = Groups::default();
    groups.control(group, "a brief session, at once", brief.get(group, ASKED).await);
    let over = poll::until(OVER_WITHIN, || async {
        let exchange = brief.get(group, ASKED).await;
        if exchange.status() == Some(200) { Attempt::NotYet("200".into()) } else { Attempt::Ready(exchange) }
    });
    let last = match over.await {
        Ok(exchange) => exchange,
        Err(_) => brief.get(group, ASKED).await,
    };
    groups.trial(group, format!("a session of {BRIEF} s, after at most {} s", OVER_WITHIN.as_secs()), last);
    groups.kept(group, "the session without an end that near", kim.get(group, ASKED).await);
    Ok(groups)
}

/// A session is kept by use, and lost without.
pub(super) async fn idle(stage: &Stage<'_>) -> Seen<Groups> {
    let group = "session.idle";
    let client = stage.client(15).await?;
    let ida = stage.person(&client, "ida").await?;
    let idle = stage.session(&ida, "ida", &[("idle_seconds", IDLE)]).await?;
    let mut groups = Groups::default();
    let start = Instant::now();
    let mut last = start;
    for _ in 0..USES {
        let exchange = idle.get(group, ASKED).await;
        if last.elapsed() >= ALIVE_FOR {
            return Err(format!(
                "too busy here to use a session within {IDLE} s, so its end would tell nothing"
            ));
        }
        last = Instant::now();
        groups.kept(
            group,
            format!("a session with {IDLE} s of idle time, used after {} ms", start.elapsed().as_millis()),
            exchange,
        );
        sleep(USED_EVERY).await;
    }
    // No polling here: each look would be a use.
    sleep(LEFT_ALONE.saturating_sub(last.elapsed())).await;
    groups.trial(
        group,
        format!("the same, left alone for {} ms", LEFT_ALONE.as_millis()),
        idle.get(group, ASKED).await,
    );
    Ok(groups)
}

/// Logging out everywhere, by the api and by web, ends all sessions of the person and nobody else's.
pub(super) async fn everywhere(stage: &Stage<'_>) -> Seen<Groups> {
    let group = "session.everywhere";
    let client = stage.client(16).await?;
    let (eva, bystander) = (stage.person(&client, "eva").await?, stage.person(&client, "eli").await?);
    let mut groups = Groups::default();
    for door in ["the api", "web"] {
        let (one, two) = (stage.session(&eva, "eva", &[]).await?, stage.session(&eva, "eva", &[]).await?);
        let mut visitor = stage.visitor(&client, "eva").await?;
        let before = visitor.clone();
        groups.control(group, format!("a session before, {door}"), two.get(group, ASKED).await);
        groups.control(group, format!("web's session before, {door}"), peek(&before).await);
        let ended = if door == "web" {
            let forms = visitor.forms("/account").await?;
            let form = forms.into_iter().find(|form| form.action == "/account/log-out-everywhere");
            visitor.submit(group, &form.ok_or("/account has no form that logs out everywhere")?).await
        } else {
            one.delete(group, "/api/v1/sessions").await
        };
        if !ended.status().is_some_and(|status| (200..400).contains(&status)) {
            return Err(format!("logging out everywhere by {door} answered {}", ended.outcome()));
        }
        groups.trial(
            group,
            format!("the first session after logging out everywhere by {door}"),
            one.get(group, ASKED).await,
        );
        groups.trial(
            group,
            format!("another session after logging out everywhere by {door}"),
            two.get(group, ASKED).await,
        );
        groups.trial(
            group,
            format!("web's session after logging out everywhere by {door}"),
            peek(&before).await,
        );
    }
    groups.kept(group, "somebody else's session", bystander.get(group, ASKED).await);
    Ok(groups)
}

/// A new password ends all sessions but the one it was made in, and the old password.
pub(super) async fn password_change(stage: &Stage<'_>) -> Seen<Groups> {
    let group = "session.password_change";
    let client = stage.client(16).await?;
    let mut groups = Groups::default();
    let pam = stage.person(&client, "pam").await?;
    let (elsewhere, before) = (stage.session(&pam, "pam", &[]).await?, stage.visitor(&client, "pam").await?);
    groups.control(group, "another session before", elsewhere.get(group, ASKED).await);
    groups.control(group, "web's session before", peek(&before).await);
    let change = |current: &str| json!({ "current_password": current, "new_password": NEW_PASSWORD });
    let path = "/api/v1/users/me/password";
    let wrong =
        pam.request(group, Method::PUT, path, |request| request.json(&change("not the password"))).await;
    need(&wrong, 403)?;
    groups.kept(
        group,
        "another session after a change with a wrong password",
        elsewhere.get(group, ASKED).await,
    );
    let changed =
        pam.request(group, Method::PUT, path, |request| request.json(&change(stage.password()))).await;
    need(&changed, 204)?;
    groups.trial(group, "another session after a change by the api", elsewhere.get(group, ASKED).await);
    groups.trial(group, "web's session after a change by the api", peek(&before).await);
    groups.trial(
        group,
        "the old password",
        Person::new(&client, &stage.email("pam"), stage.password()).log_in(group, None).await,
    );
    groups.kept(group, "the session of the change by the api", pam.get(group, ASKED).await);
    groups.kept(
        group,
        "the new password",
        Person::new(&client, &stage.email("pam"), NEW_PASSWORD).log_in(group, None).await,
    );
    by_web(stage, &client, group, &mut groups).await?;
    Ok(groups)
}

async fn by_web(stage: &Stage<'_>, client: &Client, group: &str, groups: &mut Groups) -> Seen<()> {
    let pip = stage.person(client, "pip").await?;
    let mut visitor = stage.visitor(client, "pip").await?;
    groups.control(group, "the api's session before", pip.get(group, ASKED).await);
    let form = visitor.form("/account", "password-form").await?;
    let form = form.with("current_password", stage.password()).with("new_password", NEW_PASSWORD);
    let changed = visitor.submit(group, &form).await;
    if !changed.status().is_some_and(|status| (200..400).contains(&status)) {
        return Err(format!("web's change of a password answered {}", changed.outcome()));
    }
    groups.trial(group, "the api's session after a change by web", pip.get(group, ASKED).await);
    groups.kept(group, "the session of the change by web", visitor.get(group, PAGE).await);
    Ok(())
}

/// Whoever comes with a session's cookie that somebody else chose or knows logs in to another one.
pub(super) async fn fixation(stage: &Stage<'_>) -> Seen<Groups> {
    let group = "session.fixation";
    let client = stage.client(16).await?;
    let fay = stage.person(&client, "fay").await?;
    let mut groups = Groups::default();
    let chosen = "chosen-by-somebody-else-0123456789abcdefghij";
    let mut known = stage.visitor(&client, "fay").await?;
    let before = known.cookie(SESSION).unwrap_or_default().to_owned();
    groups.control(group, "a session of somebody's own", known.get(group, PAGE).await);

    let mut victim = Visitor::new(&client, &stage.origin);
    victim.set_cookie(SESSION, chosen);
    // Web may find out at the first page that it is no session, and take it away.
    victim.get(group, PAGE).await;
    let logged_in = stage.log_in(&mut victim, "fay", stage.password()).await?;
    let mut row =
        Needles::default().row(AuthRole::Kept, "logging in with a chosen cookie".into(), logged_in, "");
    if victim.cookie(SESSION).is_some_and(|after| [chosen, &before].contains(&after)) {
        row.shown.push("the session that was known before".into());
    }
    groups.row(group, row);
    groups.kept(group, "the session after logging in", victim.get(group, PAGE).await);
    let mut attacker = Visitor::new(&client, &stage.origin);
    attacker.set_cookie(SESSION, chosen);
    groups.trial(group, "the chosen cookie after somebody logged in with it", peek(&attacker).await);
    groups.trial(
        group,
        "the chosen cookie, as a token of the api",
        fay.with_token(Some(chosen)).get(group, ASKED).await,
    );
    Ok(groups)
}
