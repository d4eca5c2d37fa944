//! One job, from its delivery to its end.
//!
//! A job ends in one of three ways: with an output (object put, then row and state in one transaction), failed with a
//! message for the person, or put off: not acknowledged, so that it comes again after the visibility timeout.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jobs::{Delivery, Finished, JobRow};
use service::{postgres, redis};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use uuid::Uuid;

use crate::Worker;
use crate::outage::{GaveUp, insist};
use crate::picture::{self, PictureError};

pub(crate) const LOST: &str =
    "The upload was lost before it could be processed. Please upload the picture again.";
const TOO_LONG: &str = "Processing the picture took too long. Please try a smaller one.";
const OUR_MISTAKE: &str = "The picture could not be processed. This is our mistake; please try another one.";

/// What all jobs together may use for pictures, in MiB; the largest picture alone takes 450 of them.
const MEMORY_MIB: u32 = 512;
/// Time kept back to say that a job failed, when making its output used up all of its own.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// Shares out memory between jobs, so that large pictures wait for each other and small ones do not.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Semaphore>);

impl Memory {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MEMORY_MIB as usize)))
    }

    fn share(bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(1024 * 1024)).unwrap_or(u32::MAX).clamp(1, MEMORY_MIB)
    }
}

/// How a job ended.
enum Ended {
    Done {
        row: JobRow,
        size_bytes: usize,
    },
    /// `detail` is for the log, `message` for the person.
    Failed {
        reason: &'static str,
        message: String,
        detail: String,
        dead: bool,
    },
    /// It was done or failed before, or its row is gone: nothing to do.
    Already,
}

impl Ended {
    fn failed(reason: &'static str, message: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Failed { reason, message: message.into(), detail: detail.into(), dead: false }
    }

    fn dead(reason: &'static str, message: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Failed { reason, message: message.into(), detail: detail.into(), dead: true }
    }
}

/// Does one job and says so in the log, in the metrics, to the queue.
pub(crate) async fn work(worker: &Worker, delivery: &Delivery, memory: &Memory) {
    let span = tracing::info_span!("job", request_id = delivery.request_id, job_id = %delivery.job_id);
    async {
        let began = Instant::now();
        let deadline = began + worker.config.job_timeout;
        let ended = match attempt(worker, delivery, memory, deadline).await {
            Ok(ended) => end(worker, delivery, ended, began, deadline).await,
            Err(gave_up) => Err(gave_up),
        };
        if let Err(gave_up) = ended {
            worker.metrics.put_off.inc();
            tracing::warn!(attempt = delivery.attempt, error = %gave_up, "job put off");
        }
    }
    .instrument(span)
    .await;
}

async fn attempt(
    worker: &Worker,
    delivery: &Delivery,
    memory: &Memory,
    deadline: Instant,
) -> Result<Ended, GaveUp> {
    let job_id = delivery.job_id;
    if delivery.attempt > worker.config.job_attempts {
        let detail = format!("begun {} times and never ended", delivery.attempt - 1);
        return Ok(Ended::dead("attempts", OUR_MISTAKE, detail));
    }
    let started = insist("start the job", deadline, postgres::reason, || jobs::start(&worker.pool, job_id));
    let Some(row) = started.await? else {
        return Ok(Ended::Already);
    };
    let input = insist("fetch the input", deadline, redis::reason, || worker.consumer.input(job_id));
    let Some(input) = input.await? else {
        return Ok(Ended::failed("lost", LOST, "its input is no longer in Redis"));
    };
    tracing::debug!(effect = %row.effect, input_bytes = input.len(), "job started");
    let output = match draw(input, row.effect, memory, deadline).await {
        Ok(output) => output,
        Err(ended) => return Ok(ended),
    };
    keep(worker, row, output, deadline).await
}

/// The picture itself, on a thread of its own, once there is memory for it.
async fn draw(
    input: Bytes,
    effect: jobs::Effect,
    memory: &Memory,
    deadline: Instant,
) -> Result<picture::Output, Ended> {
    let inspection = picture::inspect(&input).map_err(|error| refused(&error))?;
    let share = Memory::share(inspection.memory_bytes);
    let too_long =
        || Ended::failed("timeout", TOO_LONG, format!("{} × {}", inspection.width, inspection.height));
    let share = timeout_at(deadline, Arc::clone(&memory.0).acquire_many_owned(share))
        .await
        .map_err(|_| too_long())?;
    let drawing = tokio::task::spawn_blocking(move || {
        let output = picture::make(&input, &inspection, effect);
        // Held until the thread is done, even if nobody waits for it any more.
        drop(share);
        output
    });
    match timeout_at(deadline, drawing).await {
        Ok(Ok(Ok(output))) => Ok(output),
        Ok(Ok(Err(error))) => Err(refused(&error)),
        Ok(Err(panicked)) => Err(Ended::dead("panic", OUR_MISTAKE, panicked.to_string())),
        Err(_) => Err(too_long()),
    }
}

fn refused(error: &PictureError) -> Ended {
    let detail = match error {
        PictureError::Damaged { reason } | PictureError::NotDrawn { reason } => reason.clone(),
        other => other.to_string(),
    };
    Ended::failed("picture", error.to_string(), detail)
}

/// Object first, then row and state at once. An object whose row never came is an orphan, which the reconciler removes.
async fn keep(
    worker: &Worker,
    row: JobRow,
    output: picture::Output,
    deadline: Instant,
) -> Result<Ended, GaveUp> {
    // A fresh id for each attempt: whoever comes second removes its own object and never the first one's.
    let image_id = Uuid::new_v4();
    let content = output.content.clone();
    insist("put the image", deadline, ToString::to_string, || {
        worker.store.put(image_id, content.clone().into())
    })
    .await?;
    let description = output.description;
    let described = jobs::Output {
        image_id,
        content_type: picture::CONTENT_TYPE.to_owned(),
        size_bytes: output.content.len() as u64,
        width: description.width,
        height: description.height,
        description: serde_json::json!(description),
    };
    let mut tries = 0;
    let finished = insist("finish the job", deadline, postgres::reason, || {
        tries += 1;
        jobs::finish(&worker.pool, row.id, &described)
    })
    .await?;
    match finished {
        Finished::Kept { .. } => Ok(Ended::Done { row, size_bytes: output.content.len() }),
        Finished::Superseded => {
            superseded(worker, &row, image_id, tries, deadline).await?;
            Ok(Ended::Already)
        }
    }
}

/// Removes an object that is not the job's output. It may be after all: a commit whose answer was lost looks the same on
/// the second try.
async fn superseded(
    worker: &Worker,
    row: &JobRow,
    image_id: Uuid,
    tries: u32,
    deadline: Instant,
) -> Result<(), GaveUp> {
    if tries > 1 {
        let found =
            insist("look at the job", deadline, postgres::reason, || jobs::find(&worker.pool, row.id));
        if found.await?.is_some_and(|found| found.image_id == Some(image_id)) {
            return Ok(());
        }
    }
    insist("remove the second output", deadline, ToString::to_string, || worker.store.delete(image_id))
        .await?;
    Ok(())
}

/// Writes the end down: the row first, then the queue, so that a crash in between repeats and loses nothing.
async fn end(
    worker: &Worker,
    delivery: &Delivery,
    ended: Ended,
    began: Instant,
    deadline: Instant,
) -> Result<(), GaveUp> {
    let deadline = deadline.max(Instant::now() + LAST_WORDS);
    let took = began.elapsed();
    let attempt = delivery.attempt;
    let mut dead_because = None;
    match ended {
        Ended::Done { row, size_bytes } => {
            worker.metrics.job_done(row.effect, took);
            tracing::info!(effect = %row.effect, size_bytes, duration_ms = millis(took), attempt, "job done");
        }
        Ended::Failed { reason, message, detail, dead } => {
            let job_id = delivery.job_id;
            insist("fail the job", deadline, postgres::reason, || jobs::fail(&worker.pool, job_id, &message))
                .await?;
            worker.metrics.job_failed(reason);
            tracing::warn!(reason, detail, duration_ms = millis(took), attempt, "job failed");
            dead_because = dead.then_some(reason);
        }
        Ended::Already => tracing::info!(attempt, "job had ended already"),
    }
    let consumer = &worker.consumer;
    if let Some(reason) = dead_because {
        insist("put it among the dead letters", deadline, redis::reason, || {
            consumer.dead_letter(delivery, reason)
        })
        .await?;
        worker.metrics.dead.inc();
        Ok(())
    } else {
        insist("acknowledge the job", deadline, redis::reason, || consumer.ack(delivery)).await
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_picture_gets_all_memory_it_needs_and_no_job_waits_for_ever() {
        assert_eq!(Memory::share(1), 1);
        assert_eq!(Memory::share(u64::MAX), MEMORY_MIB);
        let largest = picture::MAX_PIXELS * 9 + 96 * 1024 * 1024;
        assert!(u64::from(Memory::share(largest)) * 1024 * 1024 >= largest);
    }

    #[tokio::test]
    async fn upload_that_is_no_picture_fails_with_words_for_the_person() {
        let deadline = Instant::now() + Duration::from_mins(1);
        let input = Bytes::from_static(b"Dear diary");
        let Err(Ended::Failed { message, dead, .. }) =
            draw(input, jobs::Effect::Duotone, &Memory::new(), deadline).await
        else {
            panic!("it was drawn");
        };
        assert_eq!(message, "The file is not a JPEG, PNG or WebP picture.");
        assert!(!dead);
    }
}
