//! Outputs that end while no worker runs: read until then, and the api restarted meanwhile. Then the worker comes back to
//! a backlog.

use std::time::{Duration, Instant};

use sqlx::Row;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{
    clock::Clock, http::path_and_query, keyspace, objects, person::Person, photo, started, worker::WORKER,
};
use crate::{
    dependencies::instances_of,
    engine::innermost,
    fault::{Fault, Injected},
    observation::{Leftover, Seen, Sweeping},
    poll::{self, Attempt},
    running::RunningStack,
};

/// Outputs that end while nobody sweeps.
const OUTPUTS: usize = 3;
/// Where they ended before the worker was away, others live so much longer.
const SLOWER: Duration = Duration::from_secs(6);
/// How often each is read.
const READS: usize = 3;
/// How long after the last end the api is asked.
const AFTER: Duration = Duration::from_millis(50);
/// An api that was restarted is ready within this.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// The queue itself: entries that name jobs, and hold nothing of people.
const QUEUE: [&[u8]; 2] = [b"jobs", b"jobs:dead"];

const API: &str = "api";

/// By itself: the worker is away until all outputs have ended, and the api is restarted.
pub async fn observe(running: &RunningStack) -> Seen<Sweeping> {
    let mut sweeping = Sweeping::default();
    if let Err(why) = tell(running, &mut sweeping).await {
        sweeping.story.broken = Some(why);
    }
    Ok(sweeping)
}

struct Output {
    image: Uuid,
    ends: OffsetDateTime,
}

async fn tell(running: &RunningStack, sweeping: &mut Sweeping) -> Seen<()> {
    let door = running.entrance().await?;
    let email = format!("otto-{}@example.org", running.plan().run.marker);
    let mut otto = Person::new(&door, &email, running.password().reveal());
    sweeping.story.keep(otto.sign_up("sign_up").await);
    sweeping.story.keep(otto.log_in("login", None).await);
    sweeping.story.need("login", "/token")?;
    let ttl = running.stack().options.ttl;
    let found = match left_alone(running, sweeping, &otto, ttl).await? {
        None => left_alone(running, sweeping, &otto, ttl + SLOWER).await?,
        found => found,
    };
    let (outputs, away) = found.ok_or("the outputs had ended before the worker was away")?;
    sweeping.outputs = outputs.len();
    let seen = while_away(running, sweeping, &otto, &outputs).await;
    // Whatever happened: the worker comes back.
    away.undo(running).await?;
    let back = Instant::now();
    seen?;
    let swept = poll::until(running.stack().options.ttl_grace, || async {
        match leftover(running, &outputs).await {
            Ok(Leftover { rows: 0, objects: 0 }) => Attempt::Ready(back.elapsed()),
            Ok(left) => Attempt::NotYet(format!("{left:?}")),
            Err(why) => Attempt::NotYet(why),
        }
    });
    sweeping.swept_after = swept.await.ok();
    sweeping.left = leftover(running, &outputs).await?;
    let job = sweeping.story.need("waiting.upload", "/id")?;
    sweeping.story.keep(otto.job_ended("waiting.job", &job).await);
    Ok(())
}

/// Outputs that all live still when the worker is away. None: they were too brief for that.
async fn left_alone(
    running: &RunningStack,
    sweeping: &mut Sweeping,
    otto: &Person,
    ttl: Duration,
) -> Seen<Option<(Vec<Output>, Injected)>> {
    for name in 0..OUTPUTS {
        upload(otto, sweeping, &format!("{name}.upload"), &ttl.as_secs().to_string()).await?;
    }
    let mut outputs = Vec::new();
    for name in 0..OUTPUTS {
        let output = read(otto, sweeping, &name.to_string()).await;
        if output.is_err() && has_ended(sweeping, name) {
            return Ok(None);
        }
        outputs.push(output?);
    }
    let away = Fault::Stopped(WORKER.into()).inject(running).await?;
    let all = Leftover { rows: OUTPUTS, objects: OUTPUTS };
    match leftover(running, &outputs).await {
        Ok(there) if there == all => Ok(Some((outputs, away))),
        other => {
            away.undo(running).await?;
            other.map(|_| None)
        }
    }
}

/// Whether an output was made and had ended before it was read: its job tells of none any more, or the api says gone.
fn has_ended(sweeping: &Sweeping, name: usize) -> bool {
    let step = |what: &str| sweeping.story.steps.get(&format!("{name}.{what}"));
    let job = step("job").and_then(|exchange| exchange.answer.as_ref().ok()?.text("/state"));
    job.as_deref() == Some("done")
        && step("described").is_none_or(|described| described.status() == Some(410))
}

/// Until all outputs have ended and a little longer.
async fn while_away(
    running: &RunningStack,
    sweeping: &mut Sweeping,
    otto: &Person,
    outputs: &[Output],
) -> Seen<()> {
    upload(otto, sweeping, "waiting.upload", "600").await?;
    let mut redis = keyspace::connect(running).await?;
    for key in keyspace::read(&mut redis).await? {
        if QUEUE.contains(&key.name.as_slice()) {
            continue;
        }
        let class = key.name.split(|byte| *byte == b':').next().unwrap_or_default();
        let keys = sweeping.keys.entry(String::from_utf8_lossy(class).into_owned()).or_default();
        keys.all += 1;
        keys.lasting += usize::from(key.left.is_none());
    }
    for instance in instances_of(running.stack(), API) {
        started::anew(running, &instance).await?;
        started::answers(running, &instance, "/ready", READY_WITHIN).await?;
    }
    for output in outputs {
        let ends = end_of(running, output.image).await?;
        sweeping.moved_s.push((ends - output.ends).as_seconds_f64());
    }
    // The ends that were told, not those that the rows have now: nothing moves them.
    let last = outputs.iter().map(|output| output.ends).max().unwrap_or(OffsetDateTime::UNIX_EPOCH);
    Clock::of(running).await?.sleep_until(last + AFTER).await;
    sweeping.backlog = Some(leftover(running, outputs).await?);
    for (name, output) in outputs.iter().enumerate() {
        let path = format!("/api/v1/images/{}", output.image);
        sweeping.story.keep(otto.get(&format!("ended.{name}"), &path).await);
    }
    Ok(())
}

async fn upload(otto: &Person, sweeping: &mut Sweeping, step: &str, ttl: &str) -> Seen<()> {
    let photo = photo::unique().map_err(|error| format!("painting a photo: {error}"))?;
    sweeping.story.keep(otto.upload(step, &photo, "duotone", Some(ttl)).await);
    Ok(())
}

/// The output of an upload, once it is done, and read several times.
async fn read(otto: &Person, sweeping: &mut Sweeping, name: &str) -> Seen<Output> {
    let job = sweeping.story.need(&format!("{name}.upload"), "/id")?;
    sweeping.story.keep(otto.job_ended(&format!("{name}.job"), &job).await);
    let image = sweeping.story.need(&format!("{name}.job"), "/image/id")?;
    let step = format!("{name}.described");
    sweeping.story.keep(otto.get(&step, &format!("/api/v1/images/{image}")).await);
    let told = sweeping.story.need(&step, "/expires_at")?;
    let link = sweeping.story.need(&step, "/link")?;
    let link = path_and_query(&link).ok_or("the link names no path")?.to_owned();
    let reader = otto.with_token(None);
    for _ in 0..READS {
        sweeping.story.keep(reader.get(&format!("{name}.read"), &link).await);
    }
    let image = image.parse().map_err(|_| format!("`{image}` is no id of an image"))?;
    let ends = OffsetDateTime::parse(&told, &Rfc3339).map_err(|error| format!("expires_at: {error}"))?;
    Ok(Output { image, ends })
}

/// When the row says that an output ends.
async fn end_of(running: &RunningStack, image: Uuid) -> Seen<OffsetDateTime> {
    let told = |error: sqlx::Error| format!("looking for the end of an output: {}", innermost(&error));
    let mut database = running.database().await?;
    let query = sqlx::query("SELECT expires_at FROM images WHERE id = $1").bind(image);
    query.fetch_one(&mut database).await.and_then(|row| row.try_get("expires_at")).map_err(told)
}

/// What there is of these outputs.
async fn leftover(running: &RunningStack, outputs: &[Output]) -> Seen<Leftover> {
    let told = |error: sqlx::Error| format!("counting rows: {}", innermost(&error));
    let images: Vec<Uuid> = outputs.iter().map(|output| output.image).collect();
    let mut database = running.database().await?;
    let query = sqlx::query("SELECT id FROM images WHERE id = ANY($1)").bind(&images);
    let rows = query.fetch_all(&mut database).await.map_err(told)?.len();
    let objects = objects::list(running).await?;
    let of_these =
        objects.iter().filter(|object| images.iter().any(|image| object.is_of(&image.to_string())));
    Ok(Leftover { rows, objects: of_these.count() })
}
