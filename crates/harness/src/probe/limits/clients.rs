//! Limits that count by the client's address.

use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::{Method, RequestBuilder};
use tokio::time::sleep;

use super::{
    flood::{Exhaust, while_asking},
    pages, relay, setting, someone, window,
};
use crate::{
    observation::{Flood, Seen, Story, Tally},
    probe::http::{Client, Exchange},
    running::RunningStack,
};

const SETTING: &str = "RATE_LIMIT_CLIENT_REQUESTS";
/// The cheapest question there is: nobody is logged in.
const QUESTION: &str = "/api/v1/sessions/current";
/// Requests under way at the same time.
const SIDE_BY_SIDE: usize = 24;
/// Requests that claim to come from elsewhere.
const CLAIMS: u64 = 150;
/// Nobody has this address (RFC 5737): the api is asked directly in its name.
const NOBODY: &str = "198.51.100.20";
/// So often in a row nobody is so lucky.
const TRIES: u32 = 10;
/// Longest `Retry-After` that is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Requests at once: more than the replicas of a service have seats for.
const CROWD: usize = 600;

/// What came of one client's flood.
pub(super) struct Flooded {
    pub(super) flood: Seen<Flood>,
    pub(super) apart: Seen<Tally>,
    pub(super) spoofed: Seen<Flood>,
    pub(super) victim: Seen<Tally>,
    pub(super) story: Story,
}

impl Flooded {
    fn missing(why: &str) -> Self {
        let why = why.to_owned();
        Self {
            flood: Err(why.clone()),
            apart: Err(why.clone()),
            spoofed: Err(why.clone()),
            victim: Err(why.clone()),
            story: Story { broken: Some(why), ..Story::default() },
        }
    }
}

/// One client floods, always claiming to be the harness; then it claims to be another one each time; then it looks at a
/// page; then it does as it was told and waits.
pub(super) async fn flood(running: &RunningStack) -> Flooded {
    match tell(running).await {
        Ok(flooded) => flooded,
        Err(why) => Flooded::missing(&why),
    }
}

async fn tell(running: &RunningStack) -> Seen<Flooded> {
    let (limit, window) = (setting(running, SETTING)?, window(running)?);
    let client = running.another_client(relay::FLOODS).await?;
    let second = running.another_client(relay::ASKS_NOW_AND_THEN).await?;
    let harness = running.entrance().await?;
    // Whoever looks at pages needs a session from before, and from elsewhere.
    let visitor = someone(running, "visitor", relay::IS_GUESSED).await;
    let victim = harness_as_seen_by_the_proxy(running).await?;
    let exhaust = Exhaust { setting: SETTING, limit, window, side_by_side: SIDE_BY_SIDE };
    let ask = |_| claiming(&client, "limits.client", &victim);
    let others = || second.get("limits.client.apart", QUESTION);
    let (flood, apart) = while_asking(exhaust.run(ask), others).await;

    let mut asked_by_victim = Tally::default();
    asked_by_victim.add(&harness.get("limits.client.victim", QUESTION).await);
    let exhausted_since = exhausted_since(&client).await;
    let answers = claims(&client).await;
    let took = exhausted_since.elapsed();
    let spoofed = Flood { setting: SETTING.to_owned(), limit, window, took, answers };
    asked_by_victim.add(&harness.get("limits.client.victim", QUESTION).await);

    let mut story = Story::default();
    let asked = async {
        pages::refused(&mut story, &client, visitor).await;
        story.keep(until_refused(|| client.get("client.refused", QUESTION)).await)
    };
    let refused = while_exhausted(&client, asked).await;
    wait_as_told(&mut story, &client, &refused).await;
    Ok(Flooded {
        flood: Ok(flood),
        apart: Ok(apart),
        spoofed: Ok(spoofed),
        victim: Ok(asked_by_victim),
        story,
    })
}

/// A moment after which, and before the end of this, there was no room at all: that before a request which is refused. The
/// end of the flood is none, for on a slow machine its last answers are on their way for a while.
async fn exhausted_since(client: &Client) -> Instant {
    let mut since = Instant::now();
    for _ in 0..TRIES {
        since = Instant::now();
        if client.get("limits.client", QUESTION).await.status() == Some(429) {
            break;
        }
    }
    since
}

/// Every request claims another address, in every header that somebody might believe.
async fn claims(client: &Client) -> Tally {
    let mut answers = Tally::default();
    let asked = futures::stream::iter(0..CLAIMS)
        .map(|number| async move {
            let address = format!("203.0.113.{}", number + 1);
            claiming(client, "limits.client.spoofed", &address).await
        })
        .buffer_unordered(SIDE_BY_SIDE);
    let mut asked = std::pin::pin!(asked);
    while let Some(exchange) = asked.next().await {
        answers.add(&exchange);
    }
    answers
}

async fn claiming(client: &Client, step: &str, address: &str) -> Exchange {
    client.send(step, Method::GET, QUESTION, |request| claimed(request, address)).await
}

fn claimed(request: RequestBuilder, address: &str) -> RequestBuilder {
    request
        .header("x-forwarded-for", address)
        .header("forwarded", format!("for={address}"))
        .header("x-real-ip", address)
        .header("x-client-ip", address)
        .header("true-client-ip", address)
        .header("cf-connecting-ip", address)
}

/// Tells a story while its client goes on asking, so that whatever room comes back is taken at once.
async fn while_exhausted<T>(client: &Client, story: impl Future<Output = T>) -> T {
    let asking = futures::stream::repeat(())
        .map(|()| client.get("limits.client", QUESTION))
        .buffer_unordered(SIDE_BY_SIDE)
        .for_each(|_| async {});
    tokio::select! {
        told = story => told,
        () = asking => unreachable!("it has no end of its own"),
    }
}

/// Asks until it is refused: now and then a request finds room that has just come back.
pub(super) async fn until_refused<F: Future<Output = Exchange>>(ask: impl Fn() -> F) -> Exchange {
    for _ in 0..TRIES {
        let exchange = ask().await;
        if exchange.status() == Some(429) {
            return exchange;
        }
    }
    ask().await
}

/// The refusal says when to come back: then there is room again.
async fn wait_as_told(story: &mut Story, client: &Client, refused: &Exchange) {
    let told = refused.answer.as_ref().ok().and_then(|answer| answer.header("retry-after")?.parse().ok());
    let Some(told) = told.map(Duration::from_secs) else {
        return story.leave_out("client.after_waiting", "no refusal said when to come back");
    };
    if told > PATIENCE {
        return story.leave_out("client.after_waiting", &format!("it would take {} s", told.as_secs()));
    }
    sleep(told).await;
    story.keep(client.get("client.after_waiting", QUESTION).await);
}

/// One address asks every replica in turn. One replica alone has nothing to share.
pub(super) async fn replicas(running: &RunningStack) -> Seen<Flood> {
    let (limit, window) = (setting(running, SETTING)?, window(running)?);
    let instances: Vec<String> =
        running.instances().into_iter().filter(|name| crate::runner::service_of(name) == "api").collect();
    if instances.len() < 2 {
        return Err("the definition has one replica of `api`: there is nothing to share".into());
    }
    let mut clients = Vec::new();
    for instance in &instances {
        clients.push(running.client_of(instance).await?);
    }
    let clients = &clients;
    let ask = |number: u64| {
        let client = &clients[usize::try_from(number).unwrap_or_default() % clients.len()];
        let path = QUESTION.trim_start_matches("/api");
        let shape = |request: RequestBuilder| request.header("x-forwarded-for", NOBODY);
        client.send("limits.client.replicas", Method::GET, path, shape)
    };
    Ok(Exhaust { setting: SETTING, limit, window, side_by_side: SIDE_BY_SIDE }.run(ask).await)
}

/// Many ask at once: half of them the api, half of them a page.
pub(super) async fn crowd(running: &RunningStack) -> Seen<Tally> {
    let client = &running.another_client(relay::CROWD).await?;
    let asked = (0..CROWD).map(|number| async move {
        let path = if number % 2 == 0 { "/api/v1/openapi.json" } else { "/" };
        client.get("limits.concurrency", path).await
    });
    let mut tally = Tally::default();
    for exchange in futures::future::join_all(asked).await {
        tally.add(&exchange);
    }
    Ok(tally)
}

/// The address that the proxy sees when the harness asks.
async fn harness_as_seen_by_the_proxy(running: &RunningStack) -> Seen<String> {
    let entrance = running.stack().options.entrance.as_ref().ok_or("the definition names no entrance")?;
    running.runner().address_of_harness(&entrance.service).await.map_err(|error| error.to_string())
}
