//! Rows and objects: what becomes of them, and what people are told, when something is removed behind the services' back,
//! comes twice, or is cut off in the middle.

mod agreement;
mod backup;
mod behind;
mod found_again;
mod once;
mod queue;
mod redeploy;
mod rows;

use std::{collections::BTreeSet, time::Duration};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    objects::{self, Object},
    person::Person,
    photo,
    worker::WORKER,
};
pub use backup::observe as observe_backup;

use crate::{
    event::Events,
    observation::{Data, Seen},
    running::RunningStack,
};

/// As long as outputs live, in seconds: longer than the run goes on.
const TTL: &str = "600";

/// What disturbs nobody: outputs of which half is removed.
pub async fn observe(running: &RunningStack) -> Seen<Data> {
    Ok(Data { behind: Some(behind::observe(running).await), ..Data::default() })
}

/// By itself: messages come twice, and workers are killed in the middle of jobs.
pub async fn observe_once(running: &RunningStack, data: &mut Data) {
    once::observe(running, data).await;
}

/// Waits until what killed workers left has come to its end, and what has no other half is gone. Before Redis goes away,
/// and with it what is left of their jobs; and before a worker is started anew, which would begin to count from nothing.
pub async fn settle(running: &RunningStack, data: &mut Data) {
    once::settle(running, data).await;
    data.settled = Some(agreement::observe(running).await);
}

/// By itself: every service is stopped and started.
pub async fn observe_redeploy(running: &RunningStack, data: &mut Data, events: &Events) {
    data.redeployed = Some(redeploy::observe(running, events).await);
}

/// At the end of all that happened: whether rows and objects agree.
pub async fn observe_end(running: &RunningStack, data: &mut Data) {
    data.agreement = Some(agreement::observe(running).await);
}

/// An account of this run, with a session.
async fn sign_in(running: &RunningStack, name: &str) -> Seen<Person> {
    let mut person = somebody(running, name).await?;
    person.sign_up("data.sign_up").await.answer?;
    log_in(&mut person).await?;
    Ok(person)
}

/// Somebody who may have an account, and has no session.
async fn somebody(running: &RunningStack, name: &str) -> Seen<Person> {
    let email = format!("{name}-{}@example.org", running.plan().run.marker);
    Ok(Person::new(&running.entrance().await?, &email, running.password().reveal()))
}

async fn log_in(person: &mut Person) -> Seen<()> {
    let exchange = person.log_in("data.login", None).await;
    match person.token() {
        Some(_) => Ok(()),
        None => Err(format!("{} answered {}", exchange.request, exchange.outcome())),
    }
}

/// Uploads a photo that nobody else has, and returns its job.
async fn upload(person: &Person, ttl: &str) -> Seen<String> {
    let photo = photo::unique().map_err(|error| format!("painting a photo: {error}"))?;
    let sent = person.upload("data.upload", &photo, "duotone", Some(ttl)).await;
    let job = sent.answer.as_ref().ok().and_then(|answer| answer.text("/id"));
    job.ok_or_else(|| format!("{} answered {}, without a job", sent.request, sent.outcome()))
}

/// Uploads a photo, waits for its output, and returns its job and that.
async fn output(person: &Person, ttl: &str) -> Seen<(String, String)> {
    let job = upload(person, ttl).await?;
    let ended = person.job_ended("data.job", &job).await;
    let image = ended.answer.as_ref().ok().and_then(|answer| answer.text("/image/id"));
    let image =
        image.ok_or_else(|| format!("{} answered {}, without an image", ended.request, ended.outcome()))?;
    Ok((job, image))
}

/// The link of an output, as it is told now.
async fn link_of(person: &Person, image: &str) -> Seen<String> {
    let told = person.get("data.described", &format!("/api/v1/images/{image}")).await;
    let link = told.answer.as_ref().ok().and_then(|answer| answer.text("/link"));
    let link = link.ok_or_else(|| format!("{} answered {}, without a link", told.request, told.outcome()))?;
    super::http::path_and_query(&link).map(str::to_owned).ok_or_else(|| "a link names no path".into())
}

/// The outputs that somebody is shown.
async fn listed(person: &Person) -> Seen<BTreeSet<String>> {
    let exchange = person.get("data.list", "/api/v1/images").await;
    let images =
        exchange.answer.as_ref().ok().filter(|answer| answer.status == 200).map(super::http::Answer::json);
    let images = images.as_ref().and_then(|json| json.get("images")?.as_array());
    let images = images.ok_or_else(|| format!("{} answered {}", exchange.request, exchange.outcome()))?;
    Ok(images.iter().filter_map(|image| Some(image.get("id")?.as_str()?.to_owned())).collect())
}

/// The bytes of an output, by a new link.
async fn picture(person: &Person, image: &str) -> Seen<Vec<u8>> {
    let link = link_of(person, image).await?;
    let exchange = person.with_token(None).get("data.link", &link).await;
    match &exchange.answer {
        Ok(answer) if answer.status == 200 => Ok(answer.body.to_vec()),
        _ => Err(format!("the link of image {image} answered {}", exchange.outcome())),
    }
}

/// When an output's life ends.
async fn moment_of(person: &Person, image: &str) -> Seen<OffsetDateTime> {
    let described = person.get("data.described", &format!("/api/v1/images/{image}")).await;
    let moment = described.answer?.text("/expires_at").ok_or("an output without its end")?;
    OffsetDateTime::parse(&moment, &Rfc3339).map_err(|error| format!("expires_at: {error}"))
}

/// The objects of outputs: what else is in the store, such as a file on its way into it, has no id for a name.
async fn outputs(running: &RunningStack) -> Seen<Vec<Object>> {
    let mut all = objects::list(running).await?;
    all.retain(|object| uuid::Uuid::try_parse(&object.name).is_ok());
    Ok(all)
}

/// For how long a worker may be silent before its job is another's, as the definition says: the most that a job may take,
/// and 5 s.
fn visibility_timeout(running: &RunningStack) -> Seen<Duration> {
    let told = running.service(WORKER)?.environment.get("JOB_TIMEOUT_SECONDS");
    let seconds: u64 = told.and_then(|text| text.parse().ok()).ok_or("worker has no JOB_TIMEOUT_SECONDS")?;
    Ok(Duration::from_secs(seconds + 5))
}
