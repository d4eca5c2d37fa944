//! The worker: jobs one by one, and a queue of them.

use std::time::Duration;

use sqlx::Row;

use super::{
    figure::{Figure, Measured, millis},
    number,
    person::Asker,
    spent,
};
use crate::{
    poll::{self, Attempt},
    probe::photo,
    running::RunningStack,
};

/// Jobs that are given one after the other, each once the one before is done.
const ONE_BY_ONE: usize = 8;
/// Jobs that are given as fast as they are taken.
const QUEUED: usize = 32;
/// A queue that is not done by then stands still.
const DONE_WITHIN: Duration = Duration::from_mins(3);

/// Measures, and returns how many jobs were done a second while there was a queue.
pub(super) async fn measure(
    running: &RunningStack,
    asker: &Asker,
    measured: &mut Measured,
) -> Result<f64, String> {
    // The first one finds everything cold.
    let mut jobs = Vec::new();
    give(asker, &mut jobs).await?;
    done(running, &jobs).await?;
    let mut alone = Vec::new();
    for _ in 0..ONE_BY_ONE {
        let mut job = Vec::new();
        give(asker, &mut job).await?;
        alone.extend(done(running, &job).await?);
    }
    let alone = Queue::of(&alone);

    let before = spent::so_far(running).await?;
    let mut jobs = Vec::new();
    while jobs.len() < QUEUED {
        give(asker, &mut jobs).await?;
    }
    let queue = Queue::of(&done(running, &jobs).await?);
    let spent = spent::since(&before, &spent::so_far(running).await?);

    let each = alone.took.iter().sum::<f64>() / number(alone.took.len() as u64);
    let worker = spent.get("worker").copied().unwrap_or_default();
    let per_job = millis(worker) / number(QUEUED as u64);
    measured.tell(Figure::ratio("jobs: in a queue / one by one, jobs per second", queue.per_second * each));
    let share = worker.as_secs_f64() / queue.lasted;
    measured.tell(Figure::ratio("jobs: processors that the worker kept busy in a queue", share));
    measured.note(format!(
        "worker: {:.2} jobs/s with {QUEUED} in the queue ({per_job:.0} ms of processor time each; from upload to output \
         p50 {:.1} s, the last {:.1} s); one by one, a job takes {:.0} ms from upload to output",
        queue.per_second,
        queue.nth(0.5),
        queue.nth(1.0),
        each * 1000.0,
    ));
    Ok(queue.per_second)
}

/// Gives the worker a photo.
async fn give(asker: &Asker, jobs: &mut Vec<String>) -> Result<(), String> {
    let uploaded = asker.person.upload("load.upload", photo::PORTRAIT, "duotone", None).await;
    let job = uploaded.answer.as_ref().ok().and_then(|answer| answer.text("/id"));
    jobs.push(job.ok_or_else(|| format!("an upload answered {}", uploaded.outcome()))?);
    Ok(())
}

/// When each of these jobs was given and when it was done, in seconds of the database's clock.
async fn done(running: &RunningStack, jobs: &[String]) -> Result<Vec<(f64, f64)>, String> {
    let database = tokio::sync::Mutex::new(running.database().await?);
    let ended = poll::until(DONE_WITHIN, || async {
        let rows = sqlx::query(
            "select state, extract(epoch from created_at)::float8, extract(epoch from updated_at)::float8 \
             from jobs where id::text = any($1)",
        );
        let rows = match rows.bind(jobs).fetch_all(&mut *database.lock().await).await {
            Ok(rows) => rows,
            Err(error) => return Attempt::Never(format!("the table of jobs: {error}")),
        };
        let states: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        if states.iter().any(|state| state == "failed") {
            return Attempt::Never("a job failed".into());
        }
        let done = states.iter().filter(|state| *state == "done").count();
        if done < jobs.len() {
            return Attempt::NotYet(format!("{done} of {} jobs are done", jobs.len()));
        }
        Attempt::Ready(rows.iter().map(|row| (row.get(1), row.get(2))).collect())
    });
    ended.await.map_err(|not| not.to_string())
}

/// How a number of jobs went, in seconds.
struct Queue {
    per_second: f64,
    lasted: f64,
    /// From upload to output, the shortest first.
    took: Vec<f64>,
}

impl Queue {
    fn of(jobs: &[(f64, f64)]) -> Self {
        let first = jobs.iter().map(|(given, _)| *given).fold(f64::INFINITY, f64::min);
        let last = jobs.iter().map(|(_, done)| *done).fold(f64::NEG_INFINITY, f64::max);
        let mut took: Vec<f64> = jobs.iter().map(|(given, done)| done - given).collect();
        took.sort_by(f64::total_cmp);
        let lasted = last - first;
        Self { per_second: number(jobs.len() as u64) / lasted, lasted, took }
    }

    /// The time that this share of the jobs was done in.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of a short list")]
    fn nth(&self, share: f64) -> f64 {
        let index = (number(self.took.len() as u64) * share).ceil() as usize;
        self.took.get(index.max(1) - 1).copied().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_lasts_from_the_first_upload_to_the_last_output() {
        let queue = Queue::of(&[(10.0, 11.0), (10.5, 12.0), (11.0, 14.0), (11.0, 13.0)]);
        assert!((queue.lasted - 4.0).abs() < 1e-9);
        assert!((queue.per_second - 1.0).abs() < 1e-9);
        assert!((queue.nth(0.5) - 1.5).abs() < 1e-9, "{:?}", queue.took);
        assert!((queue.nth(1.0) - 3.0).abs() < 1e-9);
    }
}
