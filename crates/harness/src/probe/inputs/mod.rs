//! Marked photos go in by every road: those that end well and those that end in a refusal, a cut or a failure. What is left
//! of them is for collectors to see, once every job has ended.

mod cores;
mod cut_off;
mod output;
mod photo;
mod waiting;

use std::time::Duration;

use reqwest::Method;

pub use cut_off::{CutOff, observe_killed, observe_lost, observe_restarted};
pub(crate) use photo::INPUT;
use photo::MarkedPhoto;
#[cfg(test)]
pub(crate) use photo::PARTS;
pub use waiting::observe_waiting;

use super::{
    http::{Exchange, path_and_query},
    person::Person,
    photo::UPLOAD_MAX_BYTES,
    proxy,
    visitor::Visitor,
};
use crate::{
    observation::{Inputs, Seen},
    running::RunningStack,
};

/// The roads by which a photo goes in. Each is a fact of the story, called `road.ROAD`.
pub const ROADS: [&str; 10] = [
    "api",
    "web",
    "bad_token",
    "oversized",
    "aborted",
    "undecodable",
    "waiting",
    "lost",
    "killed",
    "restarted",
];

/// How long a service that got half an upload may take to say so. It should say nothing: the other half may come.
const PATIENCE: Duration = Duration::from_millis(300);
/// As long as outputs live, in seconds: longer than the run goes on.
const TTL: &str = "600";

/// Photos by all the roads that disturb nobody. The others are for [`observe_waiting`], [`observe_killed`] and
/// [`observe_restarted`].
pub async fn observe(running: &RunningStack) -> Seen<Inputs> {
    let mut inputs = Inputs::default();
    if let Err(why) = tell(running, &mut inputs).await {
        inputs.story.broken = Some(why);
    }
    Ok(inputs)
}

async fn tell(running: &RunningStack, inputs: &mut Inputs) -> Seen<()> {
    let ines = sign_in(running, inputs, "ines").await?;
    let parts = tokio::join!(
        Box::pin(by_api(running, &ines)),
        Box::pin(by_web(running, &ines)),
        refused(running, &ines),
        aborted(running, &ines),
        undecodable(running, &ines),
        cores::observe(running)
    );
    let (api, web, refused, aborted, undecodable, cores) = parts;
    inputs.cores = Some(cores);
    for part in [api, web, refused, aborted, undecodable] {
        let part = part?;
        inputs.story.steps.extend(part.story.steps);
        inputs.story.facts.extend(part.story.facts);
        inputs.outputs.extend(part.outputs);
    }
    Ok(())
}

/// An account of this run, with a session. Its address has the control marker, which is in the database by that.
async fn sign_in(running: &RunningStack, inputs: &mut Inputs, name: &str) -> Seen<Person> {
    let door = running.entrance().await?;
    let mut person = Person::new(&door, &email(running, name), running.password().reveal());
    inputs.story.keep(person.sign_up(&format!("{name}.sign_up")).await);
    inputs.story.keep(person.log_in(&format!("{name}.login"), None).await);
    inputs.story.need(&format!("{name}.login"), "/token")?;
    Ok(person)
}

fn email(running: &RunningStack, name: &str) -> String {
    format!("{name}-{}@example.org", running.plan().run.marker)
}

/// A photo whose markers are searched for from now on.
fn marked(running: &RunningStack, road: &str) -> Seen<MarkedPhoto> {
    let photo = MarkedPhoto::for_road(road).map_err(|error| format!("painting a photo: {error}"))?;
    running.plant(&photo.markers);
    Ok(photo)
}

async fn by_api(running: &RunningStack, ines: &Person) -> Seen<Inputs> {
    let (mut inputs, photo) = (Inputs::default(), marked(running, "api")?);
    let sent = ines.upload_named("api", &photo.name, &photo.bytes, "halftone", Some(TTL)).await;
    let job = sent.answer.as_ref().ok().and_then(|answer| answer.text("/id"));
    inputs.story.keep(sent);
    ended_well(running, ines, &mut inputs, "api", job, &photo).await;
    Ok(inputs)
}

async fn by_web(running: &RunningStack, ines: &Person) -> Seen<Inputs> {
    let (mut inputs, photo) = (Inputs::default(), marked(running, "web")?);
    let mut visitor = Visitor::new(&running.entrance().await?, &running.public_origin()?);
    let form = visitor.form("/log-in", "log-in-form").await?;
    let form = form.with("email", email(running, "ines")).with("password", running.password().reveal());
    inputs.story.keep(visitor.submit("web.log_in", &form).await);
    let mut form = visitor.form("/gallery", "upload-form").await?;
    // The order of the page: a field that is chosen from a list has its place before the photo.
    let kept = |name: &&str| form.value(name).map(|value| ((*name).to_owned(), value.to_owned()));
    form.fields = ["csrf", "nonce"].iter().filter_map(kept).collect();
    let form = form.with("effect", "duotone").with("ttl_seconds", TTL).with_file(&photo.name, &photo.bytes);
    let sent = visitor.submit("web", &form).await;
    let location = sent.answer.as_ref().ok().and_then(|answer| answer.header("location"));
    let job = location.and_then(|path| path.strip_prefix("/jobs/")).map(str::to_owned);
    inputs.story.keep(sent);
    ended_well(running, ines, &mut inputs, "web", job, &photo).await;
    Ok(inputs)
}

/// Follows an upload that was taken to its end, and reads what was delivered.
async fn ended_well(
    running: &RunningStack,
    ines: &Person,
    inputs: &mut Inputs,
    road: &str,
    job: Option<String>,
    photo: &MarkedPhoto,
) {
    let fact = format!("road.{road}");
    let Some(job) = job else {
        let sent = inputs.story.steps.get(road).map(Exchange::outcome).unwrap_or_default();
        return inputs.story.fact(&fact, false, format!("the upload answered {sent}, without a job"));
    };
    let ended = inputs.story.keep(ines.job_ended(&format!("{road}.job"), &job).await);
    let said = |pointer: &str| ended.answer.as_ref().ok().and_then(|answer| answer.text(pointer));
    let state = said("/state").unwrap_or_else(|| ended.outcome());
    inputs.story.fact(&fact, state == "done", format!("taken, and its job {state}"));
    let Some(image) = said("/image/id") else { return };
    let described = ines.get(&format!("{road}.image"), &format!("/api/v1/images/{image}")).await;
    let link = described.answer.ok().and_then(|answer| answer.text("/link"));
    let Some(link) = link.as_deref().and_then(path_and_query) else { return };
    let picture = ines.with_token(None).get(&format!("{road}.output"), link).await;
    let delivered = match &picture.answer {
        Ok(answer) if answer.status == 200 => output::delivered(&answer.body, photo, &running.search()),
        _ => Err(format!("{} answered {}", picture.request, picture.outcome())),
    };
    inputs.outputs.insert(road.into(), delivered);
}

/// Uploads that are refused before anybody looks at the picture.
async fn refused(running: &RunningStack, ines: &Person) -> Seen<Inputs> {
    let mut inputs = Inputs::default();
    let photo = marked(running, "bad_token")?;
    let stranger = ines.with_token(Some("bm9ib2R5LXdhcy1ldmVyLWdpdmVuLXRoaXMtdG9rZW4"));
    let sent = stranger.upload_named("bad_token", &photo.name, &photo.bytes, "halftone", Some(TTL)).await;
    fact_of(&mut inputs, "bad_token", &sent, 401);
    let photo = marked(running, "oversized")?;
    let bytes = photo.longer_than(UPLOAD_MAX_BYTES);
    let sent = ines.upload_named("oversized", &photo.name, &bytes, "halftone", Some(TTL)).await;
    fact_of(&mut inputs, "oversized", &sent, 413);
    Ok(inputs)
}

fn fact_of(inputs: &mut Inputs, road: &str, sent: &Exchange, right: u16) {
    let told = format!("{} answered {}", sent.request, sent.outcome());
    inputs.story.fact(&format!("road.{road}"), sent.status() == Some(right), told);
    inputs.story.keep(sent.clone());
}

/// A form with a photo whose connection is cut in the middle of it.
async fn aborted(running: &RunningStack, ines: &Person) -> Seen<Inputs> {
    let (mut inputs, photo) = (Inputs::default(), marked(running, "aborted")?);
    let raw = proxy::raw(running).await?;
    let boundary = hex::encode(rand::random::<[u8; 16]>());
    let field = |name: &str| format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
    let before = format!(
        "{}\r\n\r\nhalftone\r\n{}; filename=\"{}\"\r\nContent-Type: image/jpeg\r\n\r\n",
        field("effect"),
        field("image"),
        photo.name
    );
    let after = format!("\r\n--{boundary}--\r\n");
    let length = before.len() + photo.bytes.len() + after.len();
    let head = format!(
        "{} /api/v1/images HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {length}\r\n\r\n",
        Method::POST,
        raw.authority,
        ines.token().unwrap_or_default(),
    );
    let half = [head.as_bytes(), before.as_bytes(), photo.first_half()].concat();
    let answer = raw.cut_off(&half, PATIENCE).await?;
    let told = match &answer {
        None => "cut after half of its bytes".to_owned(),
        Some(answer) => {
            let text = String::from_utf8_lossy(answer);
            format!("half of it was answered: {}", text.lines().next().unwrap_or_default())
        }
    };
    inputs.story.fact("road.aborted", answer.is_none(), told);
    Ok(inputs)
}

/// Half a file that says that it is a JPEG: taken, and then its job fails.
async fn undecodable(running: &RunningStack, ines: &Person) -> Seen<Inputs> {
    let (mut inputs, photo) = (Inputs::default(), marked(running, "undecodable")?);
    let step = "undecodable";
    let sent = ines.upload_named(step, &photo.name, photo.first_half(), "halftone", Some(TTL)).await;
    inputs.story.keep(sent.clone());
    let job = sent.answer.as_ref().ok().and_then(|answer| answer.text("/id"));
    match job {
        None => {
            let refused = sent.status().is_some_and(|status| (400..500).contains(&status));
            inputs.story.fact("road.undecodable", refused, format!("refused with {}", sent.outcome()));
        }
        Some(job) => failed_with_words(ines, &mut inputs, step, "road.undecodable", &job).await,
    }
    Ok(inputs)
}

/// A job that can have no output ends as failed, and says why.
async fn failed_with_words(ines: &Person, inputs: &mut Inputs, road: &str, fact: &str, job: &str) {
    let ended = inputs.story.keep(ines.job_ended(&format!("{road}.job"), job).await);
    let said = |pointer: &str| ended.answer.as_ref().ok().and_then(|answer| answer.text(pointer));
    let state = said("/state").unwrap_or_else(|| ended.outcome());
    let words = said("/failure").unwrap_or_default();
    // A sentence, not a code.
    let understood = words.split_whitespace().count() >= 3;
    let told =
        format!("taken, and its job {state}, with {}", if words.is_empty() { "no word" } else { &words });
    inputs.story.fact(fact, state == "failed" && understood, told);
}
