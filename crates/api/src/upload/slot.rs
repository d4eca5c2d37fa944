//! How many uploads of one account are received at once, by all replicas together: one account with slow lines
//! must not keep all others out.

use std::sync::LazyLock;
use std::time::Duration;

use axum::http::StatusCode;
use redis::{Cmd, Script, cmd};
use service::Problem;
use service::redis::Redis;
use uuid::Uuid;

use super::LEASE;
use crate::error::ApiError;

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("slot.lua")));

/// Two, so that a second picture does not wait for the first.
const AT_ONCE: usize = 2;

/// A place; given back when this is dropped, whatever became of the upload.
pub(crate) struct Slot {
    redis: Redis,
    give_back: Cmd,
}

/// A place for an upload of this account, or 429.
pub(crate) async fn take_slot(redis: &Redis, user_id: Uuid) -> Result<Slot, ApiError> {
    let (places, upload) = (format!("receiving:{user_id}"), Uuid::new_v4().to_string());
    let mut give_back = cmd("ZREM");
    give_back.arg(&places).arg(&upload);
    // Made before the place is taken: should we be cut off while Redis answers, the place is given back.
    let slot = Slot { redis: redis.clone(), give_back };
    let mut script = TAKE.prepare_invoke();
    script.key(places).arg(upload).arg(AT_ONCE).arg(u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX));
    if redis.invoke::<bool>(&script).await? {
        return Ok(slot);
    }
    let detail =
        format!("{AT_ONCE} uploads of this account are being received already; send this one after.");
    Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(Duration::from_secs(1)).into())
}

impl Drop for Slot {
    fn drop(&mut self) {
        let (redis, give_back) = (self.redis.clone(), std::mem::take(&mut self.give_back));
        tokio::spawn(async move {
            // If Redis is away, so is the place.
            let _ = redis.run::<()>(&give_back).await;
        });
    }
}
