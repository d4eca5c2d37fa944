//! Asking for too much, by clients and accounts that nobody else uses: each story exhausts a limit of its own, so that no
//! other one meets it.

mod accounts;
mod bodies;
mod clients;
mod flood;
mod pages;
mod slow;

use std::time::Duration;

use crate::{
    observation::{Limits, Seen, Story},
    probe::{http::Client, person::Person},
    running::RunningStack,
};

/// Where the stories of this probe come in. Each number is a client address of its own.
mod relay {
    pub(super) const FLOODS: u8 = 20;
    pub(super) const ASKS_NOW_AND_THEN: u8 = 21;
    pub(super) const SHARES_AN_ACCOUNT: u8 = 22;
    pub(super) const SHARES_IT_TOO: u8 = 23;
    pub(super) const GUESSES: u8 = 24;
    pub(super) const IS_GUESSED: u8 = 25;
    pub(super) const UPLOADS: u8 = 26;
    pub(super) const SENDS_TOO_MUCH: u8 = 27;
    pub(super) const CROWD: u8 = 28;
}

/// Looks: most of it at the same time, the crowd last, because it needs the machine for itself.
pub async fn observe(running: &RunningStack) -> Seen<Limits> {
    let window = window(running)?;
    let (client, replicas, account, guesses, uploads, bodies, slow) = tokio::join!(
        clients::flood(running),
        clients::replicas(running),
        accounts::account(running),
        accounts::logins(running),
        accounts::uploads(running),
        bodies::observe(running),
        slow::observe(running),
    );
    let mut story = Story::default();
    for part in [client.story, guesses.story, uploads.story, bodies] {
        story.take_in(part);
    }
    let at_once = clients::crowd(running).await;
    Ok(Limits {
        window,
        client: client.flood,
        apart: client.apart,
        spoofed: client.spoofed,
        spoofed_victim: client.victim,
        replicas,
        account: account.flood,
        account_apart: account.apart,
        logins: guesses.flood,
        uploads: uploads.flood,
        quota: uploads.quota,
        story,
        at_once,
        slow: slow.ended,
        slow_apart: slow.apart,
    })
}

/// A number that the definition gives the api.
fn setting(running: &RunningStack, name: &str) -> Seen<u64> {
    let api = running.service("api")?;
    let text = api.environment.get(name).ok_or_else(|| format!("the definition gives `api` no {name}"))?;
    text.parse().map_err(|_| format!("{name} of `api` is no whole number"))
}

/// In which time a limit comes back whole.
fn window(running: &RunningStack) -> Seen<Duration> {
    setting(running, "RATE_LIMIT_WINDOW_SECONDS").map(Duration::from_secs)
}

/// Someone new with an account and a session, who came in through a relay.
async fn someone(running: &RunningStack, name: &str, relay: u8) -> Seen<Person> {
    let client = running.another_client(relay).await?;
    newcomer(running, &client, name).await
}

/// The same through a client that is there already.
async fn newcomer(running: &RunningStack, client: &Client, name: &str) -> Seen<Person> {
    let mut person = Person::new(client, &email(running, name), running.password().reveal());
    let signed_up = person.sign_up(&format!("limits.{name}.sign_up")).await;
    let logged_in = person.log_in(&format!("limits.{name}.login"), None).await;
    if person.token().is_none() {
        let (one, other) = (signed_up.outcome(), logged_in.outcome());
        return Err(format!("{name} has no session: signing up answered {one}, logging in {other}"));
    }
    Ok(person)
}

fn email(running: &RunningStack, name: &str) -> String {
    format!("limits-{name}-{}@example.org", running.plan().run.marker)
}
