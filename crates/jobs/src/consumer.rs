//! The queue's far end: a worker takes jobs, and says what became of each.

use std::time::Duration;

use bytes::Bytes;
use redis::streams::{StreamAutoClaimReply, StreamId, StreamPendingCountReply, StreamReadReply};
use redis::{Cmd, FromRedisValue, RedisError, RedisResult, cmd};
use service::redis::{Redis, RedisConfig};
use uuid::Uuid;

use crate::{DEAD_LETTERS, GROUP, STREAM, input_key};

/// Dead letters that are kept at most, roughly.
const DEAD_LETTERS_KEPT: usize = 1_000;

/// Entries that one [`Consumer::reclaim`] looks at.
const RECLAIMED_AT_ONCE: usize = 16;

/// A job handed to this worker. It stays this worker's until it is [`Consumer::ack`]ed,
/// [`Consumer::dead_letter`]ed, or reclaimed by another because nothing was heard of it for too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    entry: String,
    /// The job.
    pub job_id: Uuid,
    /// The request that asked for it, for the log.
    pub request_id: String,
    /// 1 for the first delivery.
    pub attempt: u32,
}

/// Takes jobs from the queue, under a name that no other worker has.
///
/// Every call survives a Redis that was restarted and lost the group: it is made again.
#[derive(Clone)]
pub struct Consumer {
    name: String,
    block: Duration,
    waiting: Redis,
    redis: Redis,
}

impl Consumer {
    /// `block` is how long [`Consumer::take`] waits for a job. Connects when it is first used. Needs a tokio
    /// runtime.
    pub fn new(config: &RedisConfig, name: impl Into<String>, block: Duration) -> RedisResult<Self> {
        Ok(Self {
            name: name.into(),
            block,
            waiting: config.connect_waiting(block)?,
            redis: config.connect()?,
        })
    }

    /// The next job that nobody had yet; none when there was none within `block`. Do not drop the future
    /// half-way (to stop, wait for it to come back): a job on its way to it would lie idle until it is
    /// reclaimed.
    pub async fn take(&self) -> RedisResult<Option<Delivery>> {
        let mut command = cmd("XREADGROUP");
        command.arg("GROUP").arg(GROUP).arg(&self.name).arg("COUNT").arg(1);
        command.arg("BLOCK").arg(u64::try_from(self.block.as_millis()).unwrap_or(u64::MAX).max(1));
        command.arg("STREAMS").arg(STREAM).arg(">");
        let reply: Option<StreamReadReply> = self.run(&self.waiting, &command).await?;
        let entry = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids).next();
        let Some(entry) = entry else { return Ok(None) };
        self.read(&entry, 1).await
    }

    /// Takes over jobs whose worker was not heard of for `idle` (the visibility timeout).
    pub async fn reclaim(&self, idle: Duration) -> RedisResult<Vec<Delivery>> {
        let mut command = cmd("XAUTOCLAIM");
        command.arg(STREAM).arg(GROUP).arg(&self.name);
        command
            .arg(u64::try_from(idle.as_millis()).unwrap_or(u64::MAX))
            .arg("0-0")
            .arg("COUNT")
            .arg(RECLAIMED_AT_ONCE);
        let reply: StreamAutoClaimReply = self.run(&self.redis, &command).await?;
        let mut deliveries = Vec::with_capacity(reply.claimed.len());
        for entry in reply.claimed {
            let attempt = self.attempts(&entry.id).await?;
            deliveries.extend(self.read(&entry, attempt).await?);
        }
        Ok(deliveries)
    }

    /// The job is over, whatever its outcome: entry and input go.
    pub async fn ack(&self, delivery: &Delivery) -> RedisResult<()> {
        let mut commands = redis::pipe();
        commands.atomic();
        commands.cmd("XACK").arg(STREAM).arg(GROUP).arg(&delivery.entry).ignore();
        commands.cmd("XDEL").arg(STREAM).arg(&delivery.entry).ignore();
        commands.cmd("DEL").arg(input_key(delivery.job_id)).ignore();
        self.redis.run_all(&commands).await
    }

    /// The job is given up: its ids and the reason are kept for an operator, its input is not.
    pub async fn dead_letter(&self, delivery: &Delivery, reason: &str) -> RedisResult<()> {
        let mut commands = redis::pipe();
        commands.atomic();
        commands.cmd("XADD").arg(DEAD_LETTERS).arg("MAXLEN").arg("~").arg(DEAD_LETTERS_KEPT).arg("*");
        commands.arg("job_id").arg(delivery.job_id.to_string()).arg("request_id").arg(&delivery.request_id);
        commands.arg("attempt").arg(delivery.attempt).arg("reason").arg(reason).ignore();
        commands.cmd("XACK").arg(STREAM).arg(GROUP).arg(&delivery.entry).ignore();
        commands.cmd("XDEL").arg(STREAM).arg(&delivery.entry).ignore();
        commands.cmd("DEL").arg(input_key(delivery.job_id)).ignore();
        self.redis.run_all(&commands).await
    }

    /// The job's input; none when it expired or was lost.
    pub async fn input(&self, job_id: Uuid) -> RedisResult<Option<Bytes>> {
        let bytes: Option<Vec<u8>> = self.redis.run(cmd("GET").arg(input_key(job_id))).await?;
        Ok(bytes.map(Bytes::from))
    }

    /// Those of the given jobs whose input expired or was lost.
    pub async fn without_input(&self, jobs: &[Uuid]) -> RedisResult<Vec<Uuid>> {
        let mut commands = redis::pipe();
        for job in jobs {
            commands.cmd("EXISTS").arg(input_key(*job));
        }
        let there: Vec<bool> = self.redis.run_all(&commands).await?;
        Ok(jobs.iter().zip(there).filter(|(_, there)| !there).map(|(job, _)| *job).collect())
    }

    /// How many jobs are in the stream: waiting, or with a worker.
    pub async fn depth(&self) -> RedisResult<u64> {
        self.redis.run(cmd("XLEN").arg(STREAM)).await
    }

    /// The ordinary connection, for a readiness probe.
    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    async fn attempts(&self, entry: &str) -> RedisResult<u32> {
        let mut command = cmd("XPENDING");
        command.arg(STREAM).arg(GROUP).arg(entry).arg(entry).arg(1);
        let pending: StreamPendingCountReply = self.redis.run(&command).await?;
        let times = pending.ids.first().map_or(1, |pending| pending.times_delivered);
        Ok(u32::try_from(times).unwrap_or(u32::MAX))
    }

    /// An entry that is not ours to understand is removed: it would come back for ever.
    async fn read(&self, entry: &StreamId, attempt: u32) -> RedisResult<Option<Delivery>> {
        let job_id = entry.get::<String>("job_id").and_then(|id| id.parse().ok());
        let Some(job_id) = job_id else {
            let mut commands = redis::pipe();
            commands.cmd("XACK").arg(STREAM).arg(GROUP).arg(&entry.id).ignore();
            commands.cmd("XDEL").arg(STREAM).arg(&entry.id).ignore();
            self.redis.run_all::<()>(&commands).await?;
            return Ok(None);
        };
        let request_id = entry.get("request_id").unwrap_or_default();
        Ok(Some(Delivery { entry: entry.id.clone(), job_id, request_id, attempt }))
    }

    /// Runs a command that needs the group, and makes the group when there is none.
    async fn run<T: FromRedisValue>(&self, redis: &Redis, command: &Cmd) -> RedisResult<T> {
        match redis.run(command).await {
            Err(error) if error.code() == Some("NOGROUP") => {
                self.make_group().await?;
                redis.run(command).await
            }
            result => result,
        }
    }

    async fn make_group(&self) -> RedisResult<()> {
        let mut command = cmd("XGROUP");
        // From the stream's beginning: what was published before the group was there is work too.
        command.arg("CREATE").arg(STREAM).arg(GROUP).arg("0").arg("MKSTREAM");
        match self.redis.run(&command).await {
            Err(error) if is_there_already(&error) => Ok(()),
            result => result,
        }
    }
}

fn is_there_already(error: &RedisError) -> bool {
    error.code() == Some("BUSYGROUP")
}
