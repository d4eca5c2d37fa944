//! Limits that count by account, and by the account that somebody tries to get into.

use std::time::Duration;

use futures::StreamExt;
use reqwest::{
    Body, Method,
    multipart::{Form, Part},
};
use tokio::{sync::watch, time::sleep};

use super::{
    email,
    flood::{Exhaust, while_asking},
    newcomer, relay, setting, someone, window,
};
use crate::{
    observation::{Flood, Seen, Story, Tally},
    poll::{self, Attempt},
    probe::{
        http::{Client, Exchange},
        person::Person,
        photo,
    },
    running::RunningStack,
};

const QUESTION: &str = "/api/v1/sessions/current";
const UPLOAD: &str = "/api/v1/images";
/// Passwords are slow to check on purpose: more at a time would only wait for each other.
const GUESSES_SIDE_BY_SIDE: usize = 4;
const SIDE_BY_SIDE: usize = 16;
/// Longest `Retry-After` that is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Two uploads are under way within this.
const UNDER_WAY_WITHIN: Duration = Duration::from_secs(5);
/// On a slow line an upload takes at least so long.
const SLOW_LINE: Duration = Duration::from_secs(1);
/// Between two tries of the third: they must not use up the uploads of a minute.
const TRY_EVERY: Duration = Duration::from_millis(200);
/// So often an upload gives way to another that was there first.
const TRIES: u32 = 5;
/// A picture for the quota appears in the list within this.
const LISTED_WITHIN: Duration = Duration::from_secs(15);
/// Who has too many pictures is told to wait until the first of them is gone: not longer than for any other limit.
const SHORT_LIFE: &str = "60";
/// A quota that so many pictures do not meet is none for a gate.
const PICTURES: u64 = 40;
const NO_PICTURE: &[u8] = b"not a picture";

/// A flood, and what another account was answered meanwhile.
pub(super) struct Shared {
    pub(super) flood: Seen<Flood>,
    pub(super) apart: Seen<Tally>,
}

/// One account asks from two addresses, half of the requests each.
pub(super) async fn account(running: &RunningStack) -> Shared {
    match share(running).await {
        Ok((flood, apart)) => Shared { flood: Ok(flood), apart: Ok(apart) },
        Err(why) => Shared { flood: Err(why.clone()), apart: Err(why) },
    }
}

async fn share(running: &RunningStack) -> Seen<(Flood, Tally)> {
    const SETTING: &str = "RATE_LIMIT_ACCOUNT_REQUESTS";
    let (limit, window) = (setting(running, SETTING)?, window(running)?);
    let one = running.another_client(relay::SHARES_AN_ACCOUNT).await?;
    let other = running.another_client(relay::SHARES_IT_TOO).await?;
    let (shared, apart) =
        tokio::try_join!(newcomer(running, &one, "shared"), newcomer(running, &one, "apart"))?;
    let elsewhere = Person::new(&other, "", "").with_token(shared.token());
    let ask = |number: u64| {
        let person = if number.is_multiple_of(2) { &shared } else { &elsewhere };
        person.get("limits.account", QUESTION)
    };
    let exhaust = Exhaust { setting: SETTING, limit, window, side_by_side: SIDE_BY_SIDE };
    Ok(while_asking(exhaust.run(ask), || apart.get("limits.account.apart", QUESTION)).await)
}

/// A flood, and single requests around it.
pub(super) struct Told {
    pub(super) flood: Seen<Flood>,
    pub(super) story: Story,
}

/// Somebody guesses a password, and at last has the right one.
pub(super) async fn logins(running: &RunningStack) -> Told {
    let mut story = Story::default();
    let flood = guess(running, &mut story).await;
    if let Err(why) = &flood {
        story.broken = Some(why.clone());
    }
    Told { flood, story }
}

async fn guess(running: &RunningStack, story: &mut Story) -> Seen<Flood> {
    const SETTING: &str = "RATE_LIMIT_LOGINS";
    let (limit, window) = (setting(running, SETTING)?, window(running)?);
    let mut victim = someone(running, "guessed", relay::IS_GUESSED).await?;
    let client = running.another_client(relay::GUESSES).await?;
    let address = email(running, "guessed");
    let guess = |number: u64| {
        let mut guesser = Person::new(&client, &address, &format!("guess number {number}"));
        async move { guesser.log_in("limits.logins.guess", None).await }
    };
    let exhaust = Exhaust { setting: SETTING, limit, window, side_by_side: GUESSES_SIDE_BY_SIDE };
    let flood = exhaust.run(guess).await;

    let mut lucky = Person::new(&client, &address, running.password().reveal());
    // One more attempt may have become free just now. The one after it has not.
    let mut right = lucky.log_in("logins.right_password", None).await;
    if right.status() == Some(201) {
        right = lucky.log_in("logins.right_password", None).await;
    }
    let right = story.keep(right);
    story.keep(victim.log_in("logins.victim", None).await);
    match retry_after(&right) {
        Some(told) if told <= PATIENCE => {
            sleep(told).await;
            story.keep(lucky.log_in("logins.after_waiting", None).await);
        }
        Some(told) => {
            story.leave_out("logins.after_waiting", &format!("it would take {} s", told.as_secs()));
        }
        None => story.leave_out("logins.after_waiting", "the refusal did not say when to come back"),
    }
    Ok(flood)
}

fn retry_after(exchange: &Exchange) -> Option<Duration> {
    let told = exchange.answer.as_ref().ok()?.header("retry-after")?;
    told.parse().ok().map(Duration::from_secs)
}

/// What came of too many uploads.
pub(super) struct Uploaded {
    pub(super) flood: Seen<Flood>,
    pub(super) quota: Seen<Flood>,
    pub(super) story: Story,
}

/// Three accounts: one uploads too often, one too much, one too many at once.
pub(super) async fn uploads(running: &RunningStack) -> Uploaded {
    let client = match running.another_client(relay::UPLOADS).await {
        Ok(client) => client,
        Err(why) => {
            let story = Story { broken: Some(why.clone()), ..Story::default() };
            return Uploaded { flood: Err(why.clone()), quota: Err(why), story };
        }
    };
    let (mut story, mut at_once) = (Story::default(), Story::default());
    let (flood, quota, third) = tokio::join!(
        too_often(running, &client),
        too_many(running, &client, &mut story),
        three_at_once(running, &client, &mut at_once)
    );
    story.take_in(at_once);
    if let Err(why) = third {
        story.leave_out("uploads.third", &why);
    }
    if let Err(why) = &quota {
        story.leave_out("quota.after_delete", why);
    }
    Uploaded { flood, quota, story }
}

async fn too_often(running: &RunningStack, client: &Client) -> Seen<Flood> {
    const SETTING: &str = "RATE_LIMIT_UPLOADS";
    let (limit, window) = (setting(running, SETTING)?, window(running)?);
    let person = newcomer(running, client, "uploads-often").await?;
    let upload = |_| person.upload("limits.uploads", NO_PICTURE, "halftone", None);
    Ok(Exhaust { setting: SETTING, limit, window, side_by_side: 1 }.run(upload).await)
}

/// One picture after the other, until one is refused; then one is deleted, and there is room for one again.
async fn too_many(running: &RunningStack, client: &Client, story: &mut Story) -> Seen<Flood> {
    const SETTING: &str = "UPLOAD_QUOTA_IMAGES";
    let (limit, window) = (setting(running, SETTING)?, window(running)?);
    // So many of its uploads may not meet the limit on uploads first: a gate's quota is lower.
    let often = setting(running, "RATE_LIMIT_UPLOADS")?;
    let at_most = if often == 0 { PICTURES } else { PICTURES.min(often.saturating_sub(2)) };
    let person = newcomer(running, client, "uploads-many").await?;
    let picture = photo::tiny().map_err(|error| format!("making a picture: {error}"))?;
    let start = std::time::Instant::now();
    let mut answers = Tally::default();
    for _ in 0..(limit + 2).min(at_most) {
        answers.add(&person.upload("limits.quota", &picture, "halftone", Some(SHORT_LIFE)).await);
    }
    let flood = Flood { setting: SETTING.into(), limit, window, took: start.elapsed(), answers };
    let listed = poll::until(LISTED_WITHIN, || async {
        let listed = person.get("limits.quota.list", UPLOAD).await;
        match listed.answer.ok().and_then(|answer| answer.text("/images/0/id")) {
            Some(id) => Attempt::Ready(id),
            None => Attempt::NotYet("no picture in the list".into()),
        }
    });
    match listed.await {
        Ok(id) => {
            story.keep(person.delete("quota.delete", &format!("{UPLOAD}/{id}")).await);
            story.keep(person.upload("quota.after_delete", &picture, "halftone", Some(SHORT_LIFE)).await);
        }
        Err(not) => story.leave_out("quota.after_delete", &not.to_string()),
    }
    Ok(flood)
}

/// Two uploads that take their time, and a third one.
async fn three_at_once(running: &RunningStack, client: &Client, story: &mut Story) -> Seen<()> {
    let person = newcomer(running, client, "uploads-at-once").await?;
    let (release, held) = watch::channel(false);
    let third = async {
        let refused = poll::until(UNDER_WAY_WITHIN, || async {
            sleep(TRY_EVERY).await;
            let exchange = person.upload("uploads.third", NO_PICTURE, "halftone", None).await;
            match exchange.status() {
                Some(429) => Attempt::Ready(exchange),
                _ => Attempt::NotYet(exchange.outcome()),
            }
        });
        let refused = refused.await;
        sleep(SLOW_LINE).await;
        let _ = release.send(true);
        match refused {
            Ok(exchange) => exchange,
            // What the last attempt was answered is what a third upload is answered.
            Err(_) => person.upload("uploads.third", NO_PICTURE, "halftone", None).await,
        }
    };
    let (one, other, third) = tokio::join!(
        slowly(&person, "uploads.first", held.clone()),
        slowly(&person, "uploads.second", held),
        third
    );
    for exchange in [one, other, third] {
        story.keep(exchange);
    }
    Ok(())
}

/// Sends the beginning of a picture, and the rest when it is told to. Where somebody else was quicker, it tries again.
async fn slowly(person: &Person, step: &str, held: watch::Receiver<bool>) -> Exchange {
    for _ in 0..TRIES {
        let exchange =
            person.request(step, Method::POST, UPLOAD, |request| request.multipart(slow_form(held.clone())));
        let exchange = exchange.await;
        if exchange.status() != Some(429) || *held.borrow() {
            return exchange;
        }
    }
    person.request(step, Method::POST, UPLOAD, |request| request.multipart(slow_form(held))).await
}

fn slow_form(mut held: watch::Receiver<bool>) -> Form {
    let (begin, end) = photo::PORTRAIT.split_at(1024);
    let rest = async move {
        // An error: whoever would tell is gone, and so is the reason to wait.
        let _ = held.wait_for(|released| *released).await;
        Ok::<_, std::io::Error>(end)
    };
    let begin = futures::stream::once(async move { Ok::<_, std::io::Error>(begin) });
    let body = Body::wrap_stream(begin.chain(futures::stream::once(rest)));
    let part = Part::stream(body).file_name("portrait.jpg");
    Form::new().text("effect", "halftone").text("ttl_seconds", "600").part("image", part)
}
