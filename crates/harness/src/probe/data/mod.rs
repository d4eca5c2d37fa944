//! Rows and objects: what becomes of them, and what people are told, when something is removed behind the services' back,
//! comes twice, or is cut off in the middle.

mod agreement;
mod behind;
mod rows;

use super::{
    objects::{self, Object},
    person::Person,
    photo,
};
use crate::{
    observation::{Data, Seen},
    running::RunningStack,
};

/// As long as outputs live, in seconds: longer than the run goes on.
const TTL: &str = "600";

/// What disturbs nobody: outputs of which half is removed.
pub async fn observe(running: &RunningStack) -> Seen<Data> {
    Ok(Data { behind: Some(behind::observe(running).await), ..Data::default() })
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

/// The objects of outputs: what else is in the store, such as a file on its way into it, has no id for a name.
async fn outputs(running: &RunningStack) -> Seen<Vec<Object>> {
    let mut all = objects::list(running).await?;
    all.retain(|object| uuid::Uuid::try_parse(&object.name).is_ok());
    Ok(all)
}
