//! Twice of what is sustained: no request fails. What is too much is refused with 429 or 503 and a `Retry-After`.

use std::{convert::Infallible, path::Path, time::Duration};

use reqwest::{Method, RequestBuilder};

use super::{
    figure::{Figure, Measured},
    number,
    oha::{self, Ask, Pace},
    person::Asker,
    sustained::Sustained,
};
use crate::{event::Events, observation::Tally, probe::http::Client, running::RunningStack};

/// So many times of what is sustained is offered.
const TIMES: f64 = 2.0;
const LASTS: Duration = Duration::from_secs(5);
/// Between two requests of our own, whose answers are looked at whole: oha counts statuses and shows no header.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Connections where limits are met long before seats are.
const CONNECTIONS: u32 = 64;

/// What is offered twice of.
pub(super) struct Offered {
    pub(super) ask: Ask,
    /// What is sustained, in answers a second.
    pub(super) sustained: f64,
    pub(super) connections: u32,
}

/// Offers twice of what is sustained while the limits are those that the definition has by default.
pub(super) async fn within_limits(
    running: &RunningStack,
    oha: &Path,
    sustained: &Sustained,
    measured: &mut Measured,
    events: &Events,
) -> Result<(), String> {
    let all = async {
        let all = [("uploads", sustained.jobs), ("gallery", sustained.gallery), ("list", sustained.list)];
        // All of them first: after the first load, this address has asked too often to sign anybody up.
        let mut askers = Vec::new();
        for (name, rate) in all {
            askers.push((name, rate, Asker::new(running, name).await?));
        }
        for (name, rate, asker) in askers {
            let ask = match name {
                "uploads" => asker.upload("POST /api/v1/images")?,
                "gallery" => Ask { what: "GET /gallery".into(), ..asker.page("/gallery") },
                _ => asker.api("GET /api/v1/images", "/api/v1/images"),
            };
            let offered = Offered { ask, sustained: rate, connections: CONNECTIONS };
            offer(running, oha, &offered, "limits by default", measured).await?;
        }
        Ok(())
    };
    events.step("load: twice of what is sustained", all).await
}

/// Offers twice of what is sustained, and looks at single answers meanwhile.
pub(super) async fn offer(
    running: &RunningStack,
    oha: &Path,
    offered: &Offered,
    under: &str,
    measured: &mut Measured,
) -> Result<(), String> {
    let Offered { ask, sustained, connections } = offered;
    let rate = (sustained * TIMES).ceil();
    let pace = Pace { connections: *connections, per_second: Some(rate), lasts: LASTS };
    let client = running.entrance().await?.unrecorded();
    let mut looked_at = Tally::default();
    let answers = tokio::select! {
        answers = oha::offer(oha, ask, pace) => answers?,
        never = look(&client, ask, &mut looked_at) => match never {},
    };
    let what = format!("{} offered twice, {under}", ask.what);
    let told = answers.told();
    measured.tell(Figure::ratio(format!("{what}: answered / sustained"), answers.per_second / sustained));
    let share = number(answers.refused()) / number(answers.count());
    measured.tell(Figure::ratio(format!("{what}: refused / answered"), share));
    let failed = Figure::ratio(format!("{what}: requests that failed"), number(answers.failed()));
    measured.tell(failed.at_most(0.0).seen(&told));
    let without = looked_at.without_retry_after + looked_at.silent.values().sum::<u64>();
    let figure = Figure::ratio(format!("{what}: refusals without Retry-After"), number(without));
    let seen = format!("of those looked at: {:?} {:?}", looked_at.statuses, looked_at.silent);
    measured.tell(figure.at_most(0.0).seen(&seen));
    measured.note(format!("{what}: {told}; {seen}"));
    Ok(())
}

/// Asks the same now and then. Its answers are kept.
async fn look(client: &Client, ask: &Ask, tally: &mut Tally) -> Infallible {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        let body = ask.body.as_ref().and_then(|(file, kind)| Some((std::fs::read(file).ok()?, kind)));
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let shape = |mut request: RequestBuilder| {
            for (name, value) in ask.headers.iter().filter_map(|header| header.split_once(": ")) {
                request = request.header(name, value);
            }
            match body {
                Some((bytes, kind)) => request.header("content-type", kind).body(bytes),
                None => request,
            }
        };
        tally.add(&client.send("load.look", method, &ask.path, shape).await);
    }
}
