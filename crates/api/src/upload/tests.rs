//! Places and keys of uploads against a real Redis; see [`crate::test_redis`].

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use service::Problem;
use service::redis::Redis;
use uuid::Uuid;

use super::once::{Claimed, claim};
use super::slot::take_slot;
use crate::error::ApiError;
use crate::test_redis::TestRedis;

fn refusal<T>(answer: Result<T, ApiError>) -> Problem {
    match answer {
        Err(ApiError::Refused(problem)) => problem,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was not refused"),
    }
}

fn with_key(key: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("idempotency-key", HeaderValue::from_str(key).unwrap());
    headers
}

/// What is dropped is given back by a task, which may come a moment later.
async fn until_given_back<T>(mut attempt: impl AsyncFnMut() -> Result<T, ApiError>) -> T {
    for _ in 0..200 {
        match attempt().await {
            Ok(given) => return given,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("it was not given back within 2 s");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn two_uploads_of_one_account_are_received_at_once_by_all_replicas_together() {
    let redis = TestRedis::start().await;
    let (one, other) = (redis.connect(), redis.connect());
    let (ada, bob) = (Uuid::new_v4(), Uuid::new_v4());
    let first = take_slot(&one, ada).await.ok().unwrap();
    let _second = take_slot(&other, ada).await.ok().unwrap();
    assert_eq!(refusal(take_slot(&one, ada).await).status().as_u16(), 429);
    assert!(take_slot(&one, bob).await.is_ok());
    drop(first);
    until_given_back(async || take_slot(&other, ada).await).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn repeat_waits_for_the_first_and_then_gets_its_job() {
    let redis = TestRedis::start().await;
    let (one, other) = (redis.connect(), redis.connect());
    let (ada, bob, headers) = (Uuid::new_v4(), Uuid::new_v4(), with_key("same-upload-1"));
    let first = first(&one, ada, &headers).await;
    assert_eq!(refusal(claim(&other, ada, &headers).await).status().as_u16(), 409);
    assert!(matches!(claim(&other, bob, &headers).await, Ok(Claimed::First(_))), "another account's key");

    let job_id = Uuid::new_v4();
    first.keep(job_id).await;
    match claim(&other, ada, &headers).await {
        Ok(Claimed::Again(again)) => assert_eq!(again, job_id),
        _ => panic!("the key was forgotten"),
    }
    assert!(matches!(claim(&other, ada, &with_key("other-upload")).await, Ok(Claimed::First(_))));
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn upload_that_failed_or_was_cut_off_frees_its_key() {
    let redis = TestRedis::start().await;
    let (connection, ada, headers) = (redis.connect(), Uuid::new_v4(), with_key("same-upload-1"));
    first(&connection, ada, &headers).await.free().await;
    let cut_off = first(&connection, ada, &headers).await;
    assert!(claim(&connection, ada, &headers).await.is_err());
    drop(cut_off);
    until_given_back(async || claim(&connection, ada, &headers).await).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn refused_or_late_upload_does_not_free_the_key_of_another() {
    let redis = TestRedis::start().await;
    let (connection, ada, headers) = (redis.connect(), Uuid::new_v4(), with_key("same-upload-1"));
    let late = first(&connection, ada, &headers).await;
    // As when its lease is over.
    connection.run::<()>(redis::cmd("DEL").arg(format!("upload:{ada}:same-upload-1"))).await.unwrap();
    let other = first(&connection, ada, &headers).await;
    late.free().await;
    for _ in 0..2 {
        // A refused repeat does not free it either.
        assert_eq!(refusal(claim(&connection, ada, &headers).await).status().as_u16(), 409);
    }
    let job_id = Uuid::new_v4();
    other.keep(job_id).await;
    assert!(matches!(claim(&connection, ada, &headers).await, Ok(Claimed::Again(again)) if again == job_id));
}

async fn first(redis: &Redis, user_id: Uuid, headers: &HeaderMap) -> super::once::Claim {
    match claim(redis, user_id, headers).await {
        Ok(Claimed::First(claim)) => claim,
        _ => panic!("the key was taken"),
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn upload_without_a_key_is_always_the_first() {
    let redis = TestRedis::start().await;
    let (connection, ada) = (redis.connect(), Uuid::new_v4());
    for _ in 0..3 {
        first(&connection, ada, &HeaderMap::new()).await.keep(Uuid::new_v4()).await;
    }
    let mut two = with_key("same-upload-1");
    two.append("idempotency-key", HeaderValue::from_static("same-upload-2"));
    for headers in [two, with_key("short"), with_key("with space")] {
        assert_eq!(refusal(claim(&connection, ada, &headers).await).status().as_u16(), 422);
    }
}
