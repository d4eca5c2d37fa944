//! The queue's near end: the api puts a job and its input in.

use std::time::Duration;

use redis::RedisResult;
use service::redis::Redis;
use uuid::Uuid;

use crate::{STREAM, input_key};

/// Entries that the stream keeps at most, roughly. Workers delete what they have done; this bounds the rest.
const STREAM_ENTRIES: usize = 10_000;

/// Puts jobs into the queue.
#[derive(Clone)]
pub struct Publisher {
    redis: Redis,
}

impl Publisher {
    /// Over an ordinary connection, which may be shared.
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// Stores the input under a key of its own for `input_ttl` (at least a second), then announces the job;
    /// both or neither. Takes the input, to free it as soon as the command holds a copy.
    pub async fn publish(
        &self,
        job_id: Uuid,
        request_id: &str,
        input: Vec<u8>,
        input_ttl: Duration,
    ) -> RedisResult<()> {
        let mut commands = redis::pipe();
        commands.atomic();
        commands
            .cmd("SET")
            .arg(input_key(job_id))
            .arg(input)
            .arg("EX")
            .arg(input_ttl.as_secs().max(1))
            .ignore();
        commands.cmd("XADD").arg(STREAM).arg("MAXLEN").arg("~").arg(STREAM_ENTRIES).arg("*");
        commands.arg("job_id").arg(job_id.to_string()).arg("request_id").arg(request_id).ignore();
        self.redis.run_all(&commands).await
    }
}
