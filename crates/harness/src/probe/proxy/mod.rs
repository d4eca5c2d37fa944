//! What the proxy is seen to do: each part by itself, so that one that could not be looked at leaves the others alone.

mod closed;
mod crawl;
mod engine;
mod looks;
mod origin;
mod redirects;
mod replicas;
mod request_ids;

use std::{collections::BTreeMap, time::Duration};

use futures::StreamExt;

use super::{
    http::{Client, host_of, path_and_query},
    person::Person,
    photo,
    raw::{Raw, Written},
    tls::{self, Hello},
    visitor::Visitor,
};
use crate::{
    authority::Authority,
    observation::{Certificate, Greeted, HelloAnswer, Proxy, Row, Seen},
    poll::{self, Attempt},
    running::RunningStack,
};

pub use origin::{ELSEWHERE, NOBODY};
pub use replicas::{BACK_WITHIN, observe as observe_replicas};

/// So many requests of a matrix are under way at once: few enough that none has to wait for the others.
const AT_ONCE: usize = 8;

/// Looks.
pub async fn observe(running: &RunningStack) -> Seen<Proxy> {
    let public_origin = running.public_origin()?;
    let door = running.entrance().await?;
    let raw = raw(running).await;
    let resident = Resident::move_in(running, &door).await;

    let pages = async {
        let crawl = with(&resident, async |resident| crawl::crawl(resident, &public_origin).await).await;
        let looks = with(&resident, async |resident| Ok(looks::observe(resident, crawl.as_ref().ok()).await));
        (looks.await, crawl)
    };
    let closed = async {
        let mut closed = BTreeMap::new();
        for (name, at_the_api) in [("metrics", true), ("ready", true), ("health", false)] {
            let rows = with(&raw, async |raw| Ok(closed::knock(raw, name, at_the_api).await)).await;
            closed.insert(name, rows);
        }
        closed.insert("admin", with(&raw, async |raw| Ok(closed::knock_at_admin(raw).await)).await);
        closed
    };
    let origin = async {
        let forwarded = with(&raw, async |raw| {
            with(&resident, async |resident| origin::forwarded(running, raw, resident).await).await
        });
        let hosts = with(&raw, async |raw| {
            with(&resident, async |resident| Ok(origin::hosts(raw, resident).await)).await
        });
        (forwarded.await, hosts.await)
    };
    let tls = async { (versions(running).await, weak_suites(running).await, certificate(running).await) };
    let engine = async {
        (engine::admin(running).await, engine::published(running).await, engine::places(running).await)
    };
    let (tls, (looks, crawl), closed, (forwarded, hosts), redirects, request_ids, engine) = tokio::join!(
        tls,
        pages,
        closed,
        origin,
        redirects::observe(running, &public_origin),
        with(&raw, async |raw| request_ids::observe(running, raw).await),
        engine,
    );
    let (versions, weak_suites, certificate) = tls;
    let (admin, published, places) = engine;
    Ok(Proxy {
        public_origin,
        versions,
        weak_suites,
        certificate,
        redirects,
        looks,
        crawl,
        closed,
        admin,
        published,
        request_ids,
        forwarded,
        hosts,
        places,
    })
}

/// Looks with the help of something, or tells why there is none.
async fn with<A, T>(needed: &Seen<A>, look: impl AsyncFnOnce(&A) -> Seen<T>) -> Seen<T> {
    match needed {
        Ok(needed) => look(needed).await,
        Err(why) => Err(why.clone()),
    }
}

/// Makes requests, several at once, and keeps their order.
async fn ask_all(raw: &Raw, step: &str, all: impl IntoIterator<Item = (String, Written)>) -> Vec<Row> {
    let rows = all.into_iter().map(|(asked, written)| async move {
        let answer = raw.ask(step, &written).await.answer;
        Row { asked, answer }
    });
    futures::stream::iter(rows).buffered(AT_ONCE).collect().await
}

/// The entrance for requests exactly as they are written.
pub(super) async fn raw(running: &RunningStack) -> Seen<Raw> {
    let origin = running.public_origin()?;
    let tls = origin.starts_with("https://").then(|| running.authority().map(Authority::client_config));
    Ok(Raw {
        address: running.entrance_address().await?,
        authority: authority_of(&origin).into(),
        tls: tls.transpose()?,
        recorder: running.recorder().clone(),
    })
}

/// Host and port of an origin.
fn authority_of(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, authority)| authority)
}

async fn versions(running: &RunningStack) -> Seen<Vec<Greeted>> {
    let (address, origin) = (running.entrance_address().await?, running.public_origin()?);
    let host = host_of(authority_of(&origin));
    let mut greeted = Vec::new();
    for hello in Hello::VERSIONS {
        let answer = tls::greet(address, host, &hello).await;
        greeted.push(Greeted { name: hello.name.into(), version: hello.version, answer });
    }
    Ok(greeted)
}

async fn weak_suites(running: &RunningStack) -> Seen<HelloAnswer> {
    let (address, origin) = (running.entrance_address().await?, running.public_origin()?);
    Ok(tls::greet(address, host_of(authority_of(&origin)), &Hello::WEAK).await)
}

async fn certificate(running: &RunningStack) -> Seen<Certificate> {
    let (address, origin) = (running.entrance_address().await?, running.public_origin()?);
    let authority = running.authority()?;
    tls::look(address, host_of(authority_of(&origin)), authority.certificate_pem()).await
}

/// Someone with an account, a session at the api, one in the pages, and a picture: whatever a person can have that
/// is nobody else's.
struct Resident {
    person: Person,
    visitor: Visitor,
    anonymous: Visitor,
    email: String,
    password: String,
    job: String,
    image: String,
    /// Path and query of the picture's signed link.
    link: String,
    door: Client,
}

impl Resident {
    async fn move_in(running: &RunningStack, door: &Client) -> Seen<Self> {
        let origin = running.public_origin()?;
        let email = format!("resident-{}@example.org", running.plan().run.marker);
        let password = running.password().reveal().to_owned();
        let mut person = Person::new(door, &email, &password);
        person.sign_up("resident.sign_up").await;
        let login = person.log_in("resident.login", None).await;
        person.token().ok_or_else(|| format!("logging in was answered {}", login.outcome()))?;
        let uploaded = person.upload("resident.upload", photo::PORTRAIT, "duotone", Some("600")).await;
        let job = uploaded.answer.as_ref().ok().and_then(|answer| answer.text("/id"));
        let job = job.ok_or_else(|| format!("an upload was answered {}", uploaded.outcome()))?;
        let ended = person.job_ended("resident.job", &job).await;
        let ended = ended.answer?;
        let image = ended.text("/image/id").ok_or("the job made no picture")?;
        let shown = person.get("resident.image", &format!("/api/v1/images/{image}")).await;
        let link = shown.answer?.text("/link").ok_or("the picture has no link")?;
        let link = path_and_query(&link).ok_or("the picture's link names no path")?.to_owned();
        let mut visitor = Visitor::new(door, &origin);
        let form =
            visitor.form("/log-in", "log-in-form").await?.with("email", &email).with("password", &password);
        let entered = visitor.submit("resident.page", &form).await;
        if entered.status() != Some(303) {
            return Err(format!("logging in by the page's form was answered {}", entered.outcome()));
        }
        let anonymous = Visitor::new(door, &origin);
        Ok(Self { person, visitor, anonymous, email, password, job, image, link, door: door.clone() })
    }
}

/// Waits until each of `ids` is in one of the logs of `instances`, and tells which are.
async fn logged(running: &RunningStack, instances: &[String], ids: &[String], within: Duration) -> Vec<bool> {
    let look = || async {
        let mut found = vec![false; ids.len()];
        for instance in instances {
            let log = running.runner().logs(instance, None).await.unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            for (found, id) in found.iter_mut().zip(ids) {
                *found |= !id.is_empty() && log.contains(id.as_str());
            }
        }
        found
    };
    let all = poll::until(within, || async {
        let found = look().await;
        if found.iter().all(|found| *found) { Attempt::Ready(found) } else { Attempt::NotYet(String::new()) }
    });
    match all.await {
        Ok(found) => found,
        Err(_) => look().await,
    }
}
