//! What the stack sustains while no limit is in the way: api, pages, worker; then far more than that, from a crowd.

use std::{path::Path, time::Duration};

use super::{
    excess::{self, Offered},
    figure::{Figure, Load, Measured, millis},
    number,
    oha::{self, Ask, Pace},
    painting,
    person::Asker,
    spent::{self, Peaks},
    weight,
};
use crate::{event::Events, running::RunningStack};

/// How long each load lasts.
const LASTS: Duration = Duration::from_secs(5);
/// Before it, so that connections, caches and plans are there.
const WARM_UP: Duration = Duration::from_secs(1);
/// Programs that ask the api at a time.
const PROGRAMS: u32 = 8;
/// People who load a page at the same moment: four keep two cores busy, and none of them waits for a crowd.
const PEOPLE: u32 = 4;
/// Connections of a crowd: more than the replicas of a service have seats for.
const CROWD: u32 = 600;

/// A page is there within this for 99 of 100 people (issue 3, "Speed").
const PAGE_WITHIN: Duration = Duration::from_millis(100);
/// A page weighs no more than this.
const PAGE_BYTES: u64 = 100_000;
/// Memory beyond this share of a service's limit leaves too little for what was not thought of.
const MEMORY_SHARE: f64 = 0.9;

/// What was sustained, in answers or jobs per second.
pub(super) struct Sustained {
    pub(super) list: f64,
    pub(super) gallery: f64,
    pub(super) jobs: f64,
}

/// Measures all of it.
pub(super) async fn measure(
    running: &RunningStack,
    oha: &Path,
    measured: &mut Measured,
    events: &Events,
) -> Result<Sustained, String> {
    let peaks = Peaks::default();
    let bench = Bench { running, oha };
    let sustained = peaks.during(running, Box::pin(bench.all(measured, events))).await?;
    for (service, peak, limit) in peaks.against_limits(running) {
        let seen = format!("{} of {} MiB", peak >> 20, limit >> 20);
        measured.note(format!("memory of {service}, peak of one instance: {seen}"));
        let share = Figure::ratio(format!("memory of {service}: peak / limit"), number(peak) / number(limit));
        measured.tell(share.at_most(MEMORY_SHARE).seen(seen));
    }
    Ok(sustained)
}

struct Bench<'a> {
    running: &'a RunningStack,
    oha: &'a Path,
}

impl Bench<'_> {
    async fn all(&self, measured: &mut Measured, events: &Events) -> Result<Sustained, String> {
        let asker = Asker::new(self.running, "load").await?;
        let jobs = events.step("load: worker", painting::measure(self.running, &asker, measured)).await?;
        let list = events.step("load: api", self.api(&asker, measured)).await?;
        let gallery = events.step("load: pages", self.pages(&asker, measured)).await?;
        let sustained = Sustained { list, gallery, jobs };
        events.step("load: a crowd", self.crowd(&asker, &sustained, measured)).await?;
        events.step("load: one replica", self.one_replica(&asker, measured)).await?;
        Ok(sustained)
    }

    /// The api's answers against the least that a request through the entrance can cost. Returns the list's rate.
    async fn api(&self, asker: &Asker, measured: &mut Measured) -> Result<f64, String> {
        let (id, link) = asker.newest().await?;
        let least = self.sustained(&asker.anybody("GET /api/health", "/api/health"), PROGRAMS).await?;
        measured.keep(&least);
        let mut rate = 0.0;
        for ask in [
            asker.api("GET /api/v1/images", "/api/v1/images"),
            asker.api("GET /api/v1/images/{id}", &format!("/api/v1/images/{id}")),
            asker.anybody("GET /images/{id} (bytes)", &link),
        ] {
            let load = self.sustained(&ask, PROGRAMS).await?;
            compare(measured, &load, &least);
            let tail = millis(load.answers.p99) / millis(load.answers.p50);
            measured.tell(Figure::ratio(format!("{}: p99 / p50", load.what), tail));
            measured.keep(&load);
            if rate == 0.0 {
                rate = load.answers.per_second;
            }
        }
        Ok(rate)
    }

    /// Every kind of page against its bounds. Returns the gallery's rate.
    async fn pages(&self, asker: &Asker, measured: &mut Measured) -> Result<f64, String> {
        let (id, _) = asker.newest().await?;
        let client = self.running.entrance().await?.unrecorded();
        let origin = self.running.public_origin()?;
        let mut rate = 0.0;
        let result = format!("/gallery/{id}");
        for (what, path) in [
            ("/", "/"),
            ("/sign-up", "/sign-up"),
            ("/log-in", "/log-in"),
            ("/gallery", "/gallery"),
            ("/gallery/{id}", result.as_str()),
            ("/account", "/account"),
        ] {
            let of_people = path.starts_with("/gallery") || path == "/account";
            let ask = if of_people { asker.page(path) } else { asker.anybody(path, path) };
            let ask = Ask { what: format!("GET {what}"), ..ask };
            let load = self.sustained(&ask, PEOPLE).await?;
            let p99 = millis(load.answers.p99);
            let figure =
                Figure::ratio(format!("GET {what}: p99 / {PAGE_WITHIN:?}"), p99 / millis(PAGE_WITHIN));
            measured.tell(figure.at_most(1.0).seen(format!("{p99:.1} ms")));
            let cookie = if of_people { asker.cookie() } else { "cookie: none=0".into() };
            let bytes = weight::of_page(&client, &origin, path, &cookie).await?;
            let figure =
                Figure::ratio(format!("GET {what}: weight / 100 kB"), number(bytes) / number(PAGE_BYTES));
            measured.tell(figure.at_most(1.0).seen(format!("{bytes} bytes")));
            measured.note(format!(
                "GET {what} weighs {bytes} bytes with its assets, pictures of people not counted"
            ));
            measured.keep(&load);
            if path == "/gallery" {
                rate = load.answers.per_second;
            }
        }
        Ok(rate)
    }

    /// Far more people at a time than there are seats, and nothing but the seats between them and the services.
    async fn crowd(
        &self,
        asker: &Asker,
        sustained: &Sustained,
        measured: &mut Measured,
    ) -> Result<(), String> {
        for (ask, rate) in [
            (asker.api("GET /api/v1/images", "/api/v1/images"), sustained.list),
            (Ask { what: "GET /gallery".into(), ..asker.page("/gallery") }, sustained.gallery),
        ] {
            let offered = Offered { ask, sustained: rate, connections: CROWD };
            excess::offer(self.running, self.oha, &offered, "without limits", measured).await?;
        }
        Ok(())
    }

    /// One replica against two, and the entrance against that replica itself. Comes last: it stops the second one.
    async fn one_replica(&self, asker: &Asker, measured: &mut Measured) -> Result<(), String> {
        let list = |what: &str| asker.api(what, "/api/v1/images");
        let two = self.sustained(&list("list, two replicas"), PROGRAMS).await?;
        self.running.runner().stop("api.2").await.map_err(|error| error.to_string())?;
        let one = self.sustained(&list("list, one replica"), PROGRAMS).await?;
        let direct = asker.api_itself(self.running, "list, that replica itself", "/v1/images").await?;
        let direct = self.sustained(&direct, PROGRAMS).await?;
        compare(measured, &two, &one);
        compare(measured, &one, &direct);
        for load in [&two, &one, &direct] {
            measured.keep(load);
        }
        Ok(())
    }

    /// As many requests as are answered, each of them well.
    async fn sustained(&self, ask: &Ask, connections: u32) -> Result<Load, String> {
        let pace = |lasts| Pace { connections, per_second: None, lasts };
        oha::offer(self.oha, ask, pace(WARM_UP)).await?;
        let before = spent::so_far(self.running).await?;
        let answers = oha::offer(self.oha, ask, pace(LASTS)).await?;
        let spent = spent::since(&before, &spent::so_far(self.running).await?);
        if answers.fine() == 0 || answers.fine() != answers.count() || !answers.silent.is_empty() {
            return Err(format!("{} under load was to be answered 2xx alone: {}", ask.what, answers.told()));
        }
        Ok(Load { what: ask.what.clone(), answers, spent })
    }
}

/// How one load does by the measure of another, side by side.
fn compare(measured: &mut Measured, load: &Load, with: &Load) {
    let what = format!("{} / {}", load.what, with.what);
    let rate = load.answers.per_second / with.answers.per_second;
    measured.tell(Figure::ratio(format!("{what}: answers per second"), rate));
    let p99 = millis(load.answers.p99) / millis(with.answers.p99);
    measured.tell(Figure::ratio(format!("{what}: p99"), p99));
    let processor = load.processor_ms() / with.processor_ms();
    measured.tell(Figure::ratio(format!("{what}: processor time per answer"), processor));
}
