//! `Idempotency-Key`: a client that got no answer may send the same upload again, and gets the job of the first.

use std::sync::LazyLock;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use redis::{Script, cmd};
use service::Problem;
use service::redis::Redis;
use uuid::Uuid;

use super::LEASE;
use crate::error::ApiError;

static FREE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("free.lua")));

/// The header's name.
pub(crate) const HEADER: &str = "idempotency-key";

/// For how long a repeat is answered with the first one's job.
const REMEMBERED: Duration = Duration::from_mins(10);

/// What a key stands for.
pub(crate) enum Claimed {
    /// This upload is the first (or has no key).
    First(Claim),
    /// There was one before, and this is its job.
    Again(Uuid),
}

/// The right to upload under a key. Dropped before it was [kept](Claim::keep), it frees the key: the upload failed,
/// and may be tried again.
pub(crate) struct Claim {
    key: Option<Key>,
}

struct Key {
    redis: Redis,
    name: String,
    /// What stands under the name while this upload is received, and under no other upload's.
    mark: String,
}

/// Claims the request's key for this account. 409 while the first upload is being received, 422 when it is no key.
pub(crate) async fn claim(redis: &Redis, user_id: Uuid, headers: &HeaderMap) -> Result<Claimed, ApiError> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(Claimed::First(Claim { key: None }));
    };
    if !is_key(value) || values.next().is_some() {
        return Err(
            Problem::field("Idempotency-Key", "must be one value of 8 to 64 of A-Z a-z 0-9 _ -").into()
        );
    }
    let name = format!("upload:{user_id}:{}", value.to_str().unwrap_or_default());
    // By this we know our own claim again, if the command had to be sent twice.
    let mark = format!("receiving {}", Uuid::new_v4());
    let mut command = cmd("SET");
    command.arg(&name).arg(&mark).arg("NX").arg("GET").arg("EX").arg(LEASE.as_secs());
    // Made before the key is claimed: should we be cut off while Redis answers, the key is freed.
    let claim = Claim { key: Some(Key { redis: redis.clone(), name, mark: mark.clone() }) };
    let before: Option<String> = redis.run(&command).await?;
    match before {
        None => Ok(Claimed::First(claim)),
        Some(before) if before == mark => Ok(Claimed::First(claim)),
        Some(before) => match before.parse() {
            Ok(job_id) => Ok(Claimed::Again(job_id)),
            Err(_) => Err(still_receiving()),
        },
    }
}

impl Claim {
    /// From now on the key stands for this job.
    pub(crate) async fn keep(mut self, job_id: Uuid) {
        let Some(Key { redis, name, .. }) = self.key.take() else { return };
        let mut command = cmd("SET");
        command.arg(&name).arg(job_id.to_string()).arg("EX").arg(REMEMBERED.as_secs());
        if let Err(error) = redis.run::<()>(&command).await {
            // The job is queued all the same; a repeat is told to wait until the claim is over.
            let error = service::redis::reason(&error);
            tracing::warn!(dependency = "redis", %job_id, error, "could not remember an upload's key");
        }
    }

    /// The upload failed; whoever is told so may try again at once.
    pub(crate) async fn free(mut self) {
        if let Some(key) = self.key.take() {
            forget(key).await;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            tokio::spawn(forget(key));
        }
    }
}

/// Frees what is ours: another upload may have the key by now, or a job.
async fn forget(Key { redis, name, mark }: Key) {
    let mut script = FREE.prepare_invoke();
    // If Redis is away, so is the key.
    let _ = redis.invoke::<()>(script.key(name).arg(mark)).await;
}

fn still_receiving() -> ApiError {
    let detail = "The first upload with this Idempotency-Key is still being received.";
    Problem::new(StatusCode::CONFLICT, detail).retry_after(Duration::from_secs(1)).into()
}

fn is_key(value: &HeaderValue) -> bool {
    let sane = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (8..=64).contains(&value.len()) && value.as_bytes().iter().all(sane)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use rstest::rstest;

    use super::is_key;

    #[rstest]
    #[case::shortest(b"12345678", true)]
    #[case::uuid(b"7f0c0000-0000-0000-0000-000000000000", true)]
    #[case::longest(&[b'a'; 64], true)]
    #[case::empty(b"", false)]
    #[case::too_short(b"1234567", false)]
    #[case::too_long(&[b'a'; 65], false)]
    #[case::space(b"1234 5678", false)]
    #[case::separator_of_our_keys(b"1234:5678", false)]
    #[case::not_text(b"12345678\xff", false)]
    fn key_is_plain_and_neither_short_nor_long(#[case] value: &[u8], #[case] taken: bool) {
        assert_eq!(is_key(&HeaderValue::from_bytes(value).unwrap()), taken);
    }
}
