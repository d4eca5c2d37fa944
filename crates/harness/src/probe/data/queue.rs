//! The queue, as somebody sees it who has Redis and knows nothing of the services: streams, in which an entry names a job.

use redis::{
    aio::MultiplexedConnection,
    cmd,
    streams::{StreamId, StreamInfoGroupsReply, StreamRangeReply, StreamReadReply},
};

use crate::observation::Seen;

/// The field of an entry that names its job.
const JOB: &str = "job_id";
/// Who takes entries besides the workers.
const CONSUMER: &str = "shakedown";
/// More entries than a run has at any time.
const ALL: usize = 1000;
/// Entries seem to have been left lying for this long, in milliseconds: longer than any worker may be silent.
const LEFT_LYING_MS: u64 = 24 * 3600 * 1000;

/// A message that names a job.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    stream: Vec<u8>,
    entry: StreamId,
}

/// The messages of a job that are still to be dealt with.
pub(super) async fn entries_of(redis: &mut MultiplexedConnection, job: &str) -> Seen<Vec<Entry>> {
    let mut found = Vec::new();
    for stream in streams(redis).await? {
        // Where nobody takes them, such as among those that were given up, they are a record.
        if group_of(redis, &stream).await?.is_none() {
            continue;
        }
        let range: StreamRangeReply = cmd("XRANGE")
            .arg(&stream)
            .arg("-")
            .arg("+")
            .query_async(redis)
            .await
            .map_err(|error| told(&error))?;
        let of_job = range.ids.into_iter().filter(|entry| entry.get::<String>(JOB).as_deref() == Some(job));
        found.extend(of_job.map(|entry| Entry { stream: stream.clone(), entry }));
    }
    Ok(found)
}

async fn streams(redis: &mut MultiplexedConnection) -> Seen<Vec<Vec<u8>>> {
    let mut streams = Vec::new();
    let mut cursor = 0_u64;
    loop {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("TYPE").arg("stream").arg("COUNT").arg(ALL);
        let (next, found): (u64, Vec<Vec<u8>>) =
            scan.query_async(redis).await.map_err(|error| told(&error))?;
        streams.extend(found);
        cursor = next;
        if cursor == 0 {
            return Ok(streams);
        }
    }
}

/// Who takes messages from a stream.
async fn group_of(redis: &mut MultiplexedConnection, stream: &[u8]) -> Seen<Option<String>> {
    let mut info = cmd("XINFO");
    info.arg("GROUPS").arg(stream);
    let groups: StreamInfoGroupsReply = info.query_async(redis).await.map_err(|error| told(&error))?;
    Ok(groups.groups.into_iter().next().map(|group| group.name))
}

/// Sends the same message once more.
pub(super) async fn repeat(redis: &mut MultiplexedConnection, message: &Entry) -> Seen<()> {
    let mut add = cmd("XADD");
    add.arg(&message.stream).arg("*");
    for (field, value) in &message.entry.map {
        let value: Vec<u8> = redis::from_redis_value(value.clone()).map_err(|error| error.to_string())?;
        add.arg(field).arg(value);
    }
    let _: String = add.query_async(redis).await.map_err(|error| told(&error))?;
    Ok(())
}

/// Makes a message one that workers have begun `times` times, and left lying each time.
pub(super) async fn left_lying(redis: &mut MultiplexedConnection, message: &Entry, times: u32) -> Seen<()> {
    let group = group_of(redis, &message.stream).await?.ok_or("nobody takes messages from the queue")?;
    // Taken by somebody, or it would come to a worker as a new one besides.
    let mut take = cmd("XREADGROUP");
    take.arg("GROUP")
        .arg(&group)
        .arg(CONSUMER)
        .arg("COUNT")
        .arg(ALL)
        .arg("STREAMS")
        .arg(&message.stream)
        .arg(">");
    let _: Option<StreamReadReply> = take.query_async(redis).await.map_err(|error| told(&error))?;
    let mut claim = cmd("XCLAIM");
    claim.arg(&message.stream).arg(&group).arg(CONSUMER).arg(0).arg(&message.entry.id);
    claim.arg("IDLE").arg(LEFT_LYING_MS).arg("RETRYCOUNT").arg(times).arg("FORCE").arg("JUSTID");
    let _: Vec<String> = claim.query_async(redis).await.map_err(|error| told(&error))?;
    Ok(())
}

fn told(error: &redis::RedisError) -> String {
    format!("asking Redis: {error}")
}
