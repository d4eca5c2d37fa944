//! The sweeper: a backlog of expired outputs, and one that is a hundred times as long.

use std::time::Duration;

use super::{
    figure::{Figure, Measured, millis},
    number,
    spent::{self, Peaks},
};
use crate::{
    engine::innermost,
    event::Events,
    fault::Fault,
    poll::{self, Attempt},
    probe::worker::WORKER,
    running::RunningStack,
};

/// Outputs of the short backlog.
const SHORT: u32 = 1_000;
/// Outputs of the long one (issue 5, "Speed").
const LONG: u32 = 100_000;
/// As much as an object takes on a disk at the least.
const OBJECT_BYTES: u32 = 4096;
/// Per output, a long backlog may take so much longer than a short one: else whoever is behind stays behind.
const SLOWER: f64 = 2.0;
/// The worker may need so much more memory for it, of the little that it has: its batches are as long, however many
/// outputs there are.
const MEMORY: f64 = 3.0;
/// A backlog that is not swept by then stands still.
const SWEPT_WITHIN: Duration = Duration::from_mins(20);

/// Measures both backlogs, one after the other.
pub(super) async fn measure(
    running: &RunningStack,
    measured: &mut Measured,
    events: &Events,
) -> Result<(), String> {
    let short = events.step("sweeping 1,000", sweep(running, SHORT)).await?;
    let long = events.step("sweeping 100,000", sweep(running, LONG)).await?;
    for (outputs, swept) in [(SHORT, &short), (LONG, &long)] {
        measured.note(format!(
            "sweeper: {outputs} outputs that ended at the same moment in {:.2} s, {:.0} a second; {:.2} ms of the \
             worker's processor time each; memory of the worker at most {} MiB",
            swept.sweeping,
            f64::from(outputs) / swept.sweeping,
            millis(swept.processor) / f64::from(outputs),
            swept.memory_bytes >> 20
        ));
    }
    let each = |outputs: u32, swept: &Swept| swept.sweeping / f64::from(outputs);
    let slower = each(LONG, &long) / each(SHORT, &short);
    measured.tell(
        Figure::ratio("sweeper: seconds per output, of 100,000 / of 1,000", slower)
            .at_most(SLOWER)
            .seen(format!("{:.2} and {:.2} ms", each(LONG, &long) * 1e3, each(SHORT, &short) * 1e3)),
    );
    let memory = number(long.memory_bytes) / number(short.memory_bytes);
    measured.tell(
        Figure::ratio("sweeper: memory of the worker, peak over 100,000 / over 1,000", memory)
            .at_most(MEMORY)
            .seen(format!("{} and {} MiB", long.memory_bytes >> 20, short.memory_bytes >> 20)),
    );
    Ok(())
}

/// How a backlog went.
struct Swept {
    /// Seconds that the worker spent sweeping it, by its own count: neither its start nor the pauses between sweeps.
    sweeping: f64,
    /// The worker's processor time.
    processor: Duration,
    /// The most memory that the worker was seen with.
    memory_bytes: u64,
}

/// Makes a backlog while no worker runs, and looks until it is swept.
async fn sweep(running: &RunningStack, outputs: u32) -> Result<Swept, String> {
    let away = Fault::Stopped(WORKER.into()).inject(running).await?;
    let made = make(running, outputs).await;
    away.undo(running).await?;
    made?;
    let peaks = Peaks::default();
    peaks.during(running, all_swept(running)).await?;
    let spent = spent::so_far(running).await?;
    let swept = counted(running, "outputs_swept_total").await?;
    if swept < f64::from(outputs) {
        return Err(format!("the worker counts {swept} swept outputs of {outputs}"));
    }
    Ok(Swept {
        sweeping: counted(running, "sweep_seconds_total").await?,
        processor: spent.get(WORKER).copied().unwrap_or_default(),
        memory_bytes: peaks.of(WORKER).ok_or("nobody saw the worker's memory")?,
    })
}

/// Rows and objects of outputs that all ended at the same moment, which is what orders them worst.
async fn make(running: &RunningStack, outputs: u32) -> Result<(), String> {
    let told = |error: sqlx::Error| format!("making a backlog: {}", innermost(&error));
    // No other backlog has these ids; an output's number is in the last twelve digits.
    let ids = format!("{outputs:08x}-0000-4000-8000-");
    let script = format!(
        "cd /volume && head --bytes={} /dev/zero \
         | split --bytes={OBJECT_BYTES} --suffix-length=12 --hex-suffixes=0 - {ids}",
        u64::from(outputs) * u64::from(OBJECT_BYTES)
    );
    let objects = running.runner().toolbox(running.image_volume()?, &["bash", "-c", &script]).await;
    objects.map_err(|error| error.to_string())?;
    let mut database = running.database().await?;
    sqlx::query(
        "with person as ( \
           insert into users (id, email, password_hash) values (gen_random_uuid(), $1 || '@example.org', '') returning id \
         ), job as ( \
           insert into jobs (id, user_id, effect, state, ttl_seconds, image_id) \
           select gen_random_uuid(), person.id, 'duotone', 'done', 1, ($1 || lpad(to_hex(number), 12, '0'))::uuid \
           from person, generate_series(0, $2 - 1) as number returning id, user_id, image_id \
         ) \
         insert into images (id, user_id, job_id, effect, content_type, size_bytes, width, height, description, \
           created_at, expires_at) \
         select image_id, user_id, id, 'duotone', 'image/png', $3, 1, 1, '{}', \
           now() - interval '2 hours', now() - interval '1 hour' from job",
    )
    .bind(&ids)
    .bind(i64::from(outputs))
    .bind(i64::from(OBJECT_BYTES))
    .execute(&mut database)
    .await
    .map(drop)
    .map_err(told)
}

/// Until no output is expired.
async fn all_swept(running: &RunningStack) -> Result<(), String> {
    let database = tokio::sync::Mutex::new(running.database().await?);
    let swept = poll::until(SWEPT_WITHIN, || async {
        let left = sqlx::query_scalar("select count(*) from images where expires_at <= now()");
        match left.fetch_one(&mut *database.lock().await).await {
            Ok(0_i64) => Attempt::Ready(()),
            Ok(left) => Attempt::NotYet(format!("{left} outputs are left")),
            Err(error) => Attempt::Never(format!("counting outputs: {error}")),
        }
    });
    swept.await.map_err(|not| not.to_string())
}

/// What the worker counted since it began.
async fn counted(running: &RunningStack, name: &str) -> Result<f64, String> {
    let metrics = running.client_of(WORKER).await?.get("metrics", "/metrics").await.answer?;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    counter(&metrics, name).ok_or_else(|| format!("the worker's /metrics has no `{name}`"))
}

/// The value of a counter without labels.
fn counter(metrics: &str, name: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counter_is_found_by_its_whole_name() {
        let metrics = "# HELP swept Removed.\n# TYPE swept counter\nswept_total 12\nswept_total_ever 13\n";
        assert_eq!(counter(metrics, "swept_total"), Some(12.0));
        assert_eq!(counter(metrics, "swept"), None);
    }
}
