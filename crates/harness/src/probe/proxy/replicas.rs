//! Two replicas behind the proxy: both answer, and when one goes away nobody notices.

use std::time::{Duration, Instant};

use super::logged;
use crate::{
    dependencies::instances_of,
    event::{Event, Events},
    observation::{Replicas, Seen},
    poll::{self, Attempt},
    probe::http::Client,
    running::RunningStack,
};

/// Which service is looked at.
const SERVICE: &str = "api";
/// An answer that costs no more than the way to the service, and is logged there.
const PATH: &str = "/api/v1/openapi.json";
/// So many requests that, with fair turns, none of two replicas is left out but once in a thousand million runs.
const REQUESTS: usize = 32;
/// One is away for this long: longer than a proxy may take to learn of it.
const AWAY: Duration = Duration::from_secs(4);
/// Requests at once while one goes away.
const AT_ONCE: usize = 2;
/// A replica that came back answers again within this.
pub const BACK_WITHIN: Duration = Duration::from_secs(15);
/// What was answered is in the log within this.
const LOGGED_WITHIN: Duration = Duration::from_secs(3);

/// Takes one replica away while requests go on, and brings it back.
pub async fn observe(running: &RunningStack, events: &Events) -> Seen<Replicas> {
    let instances = instances_of(running.stack(), SERVICE);
    let Some(stopped) = instances.get(1).cloned() else {
        return Ok(Replicas::default());
    };
    let door = running.entrance().await?;
    let mut seen = Replicas { stopped: stopped.clone(), ..Replicas::default() };
    let ids = ask(&door, REQUESTS).await?;
    logged(running, &instances, &ids, LOGGED_WITHIN).await;
    for instance in &instances {
        let found = logged(running, std::slice::from_ref(instance), &ids, Duration::ZERO).await;
        seen.before.insert(instance.clone(), found.iter().filter(|found| **found).count());
    }

    let runner = running.runner();
    let going = async {
        let since = Instant::now();
        let gone = runner.stop(&stopped).await;
        tokio::time::sleep(AWAY.saturating_sub(since.elapsed())).await;
        gone
    };
    let (over, until) = tokio::sync::watch::channel(false);
    let asking = futures::future::join_all((0..AT_ONCE).map(|_| ask_until(&door, until.clone())));
    let (gone, asked) = tokio::join!(
        async {
            let gone = going.await;
            let _ = over.send(true);
            gone
        },
        asking
    );
    for (count, failed) in asked {
        seen.asked += count;
        seen.failed.extend(failed);
    }
    // Wherever stopping it failed, too.
    let back_again = runner.start(&stopped).await;
    gone.and(back_again).map_err(|error| error.to_string())?;
    let back = Instant::now();
    let answered = poll::until(BACK_WITHIN, || async {
        let ids = match ask(&door, 4).await {
            Ok(ids) => ids,
            Err(why) => return Attempt::NotYet(why),
        };
        let found = logged(running, std::slice::from_ref(&stopped), &ids, Duration::ZERO).await;
        if found.contains(&true) {
            Attempt::Ready(back.elapsed())
        } else {
            Attempt::NotYet("others answered".into())
        }
    });
    seen.back = Some(answered.await.map_err(|not| not.to_string()));
    events.send(Event::Note(format!("{stopped} went away and came back")));
    Ok(seen)
}

/// Asks so many times, and tells the ids of the answers.
async fn ask(door: &Client, times: usize) -> Seen<Vec<String>> {
    let mut ids = Vec::new();
    for _ in 0..times {
        let answer = door.get("replicas", PATH).await.answer?;
        let id = answer.header("x-request-id").ok_or("an answer without X-Request-Id")?;
        ids.push(id.to_owned());
    }
    Ok(ids)
}

/// Asks again and again until it is over; how often that was, and what did not succeed.
async fn ask_until(door: &Client, over: tokio::sync::watch::Receiver<bool>) -> (usize, Vec<String>) {
    let (mut count, mut failed) = (0, Vec::new());
    while !*over.borrow() {
        let exchange = door.get("replicas.stopping", PATH).await;
        count += 1;
        // One that is refused for a limit was answered, too.
        if exchange.status().is_none_or(|status| status >= 500) {
            failed.push(exchange.outcome());
        }
        // So that the limit of requests is not what is looked at.
        tokio::time::sleep(poll::INTERVAL).await;
    }
    (count, failed)
}
