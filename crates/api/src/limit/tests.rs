//! Limits against a real Redis; see [`crate::test_redis`].

use std::net::IpAddr;
use std::time::Duration;

use axum::http::HeaderMap;
use service::http::{ClientAddress, TrustedHops};
use uuid::Uuid;

use super::{LimitConfig, Limiter};
use crate::error::ApiError;
use crate::test_redis::TestRedis;

const CONFIG: LimitConfig = LimitConfig {
    window: Duration::from_mins(1),
    client_requests: 5,
    account_requests: 5,
    logins: 2,
    uploads: 5,
};

fn client(address: &str) -> ClientAddress {
    ClientAddress::of(address.parse::<IpAddr>().unwrap(), &HeaderMap::new(), TrustedHops::new(0))
}

fn is_refused(answer: &Result<(), ApiError>) -> bool {
    match answer {
        Ok(()) => false,
        Err(ApiError::Refused(problem)) => {
            assert_eq!(problem.status().as_u16(), 429);
            true
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn as_many_are_taken_as_the_limit_says_by_all_replicas_together() {
    let redis = TestRedis::start().await;
    let replicas = [Limiter::new(redis.connect(), CONFIG), Limiter::new(redis.connect(), CONFIG)];
    for (attempt, replica) in (0..10).zip(replicas.iter().cycle()) {
        let answer = replica.request_of_client(client("192.0.2.7")).await;
        assert_eq!(is_refused(&answer), attempt >= 5, "attempt {attempt}");
    }
    assert!(!is_refused(&replicas[0].request_of_client(client("192.0.2.8")).await), "another client");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn ipv6_counts_by_its_network() {
    let redis = TestRedis::start().await;
    let limiter = Limiter::new(redis.connect(), CONFIG);
    for host in 0..5 {
        assert!(!is_refused(&limiter.request_of_client(client(&format!("2001:db8::{host}"))).await));
    }
    assert!(is_refused(&limiter.request_of_client(client("2001:db8::ffff:1")).await));
    assert!(!is_refused(&limiter.request_of_client(client("2001:db8:0:1::1")).await));
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn wait_is_until_the_next_token_and_then_there_is_one() {
    let redis = TestRedis::start().await;
    // One token per 200 ms.
    let config = LimitConfig { window: Duration::from_secs(1), ..CONFIG };
    let limiter = Limiter::new(redis.connect(), config);
    let bucket = [("limit:test".to_owned(), 5)];
    for _ in 0..5 {
        assert_eq!(limiter.wait(&bucket).await.unwrap(), Duration::ZERO);
    }
    let wait = limiter.wait(&bucket).await.unwrap();
    assert!(wait > Duration::ZERO && wait <= Duration::from_millis(200), "{wait:?}");
    // What is tested is that this very wait is enough.
    tokio::time::sleep(wait).await;
    assert_eq!(limiter.wait(&bucket).await.unwrap(), Duration::ZERO);
    assert!(limiter.wait(&bucket).await.unwrap() > Duration::ZERO);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn bucket_is_exact_to_the_microsecond() {
    let redis = TestRedis::start().await;
    Limiter::new(redis.connect(), CONFIG).wait(&[("limit:test".to_owned(), 5)]).await.unwrap();
    let full_at: String = redis.connect().run(redis::cmd("GET").arg("limit:test")).await.unwrap();
    assert!(full_at.len() == 16 && full_at.bytes().all(|byte| byte.is_ascii_digit()), "{full_at}");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn refusal_takes_nothing_from_the_other_buckets() {
    let redis = TestRedis::start().await;
    let limiter = Limiter::new(redis.connect(), CONFIG);
    let (full, empty) = (("limit:a".to_owned(), 1), ("limit:b".to_owned(), 1));
    assert_eq!(limiter.wait(std::slice::from_ref(&empty)).await.unwrap(), Duration::ZERO);
    assert!(limiter.wait(&[full.clone(), empty]).await.unwrap() > Duration::ZERO);
    assert_eq!(limiter.wait(&[full]).await.unwrap(), Duration::ZERO);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn logins_are_counted_by_client_and_address_by_client_and_by_address() {
    let redis = TestRedis::start().await;
    let limiter = Limiter::new(redis.connect(), CONFIG);
    let ada = client("192.0.2.7");
    for attempt in 0..3 {
        // However it is spelled.
        let email = ["ada@example.org", "ADA@example.org", "Ada@Example.org"][attempt];
        assert_eq!(is_refused(&limiter.login(ada, email).await), attempt == 2);
    }
    assert!(!is_refused(&limiter.login(client("192.0.2.8"), "ada@example.org").await), "another client");

    // The client has 6 times 2 for any address, sign-ups included, and 2 of them are taken.
    for attempt in 0..9 {
        assert!(!is_refused(&limiter.login(ada, &format!("{attempt}@example.org")).await));
    }
    assert!(!is_refused(&limiter.sign_up(ada).await));
    assert!(is_refused(&limiter.sign_up(ada).await));
    assert!(is_refused(&limiter.login(ada, "somebody@example.org").await));

    // The address has 10 times 2 from anywhere, and 3 of them are taken.
    for host in 0..17 {
        assert!(!is_refused(&limiter.login(client(&format!("198.51.100.{host}")), "ada@example.org").await));
    }
    assert!(is_refused(&limiter.login(client("198.51.100.99"), "ada@example.org").await));
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn accounts_do_not_count_for_each_other() {
    let redis = TestRedis::start().await;
    let limiter = Limiter::new(redis.connect(), CONFIG);
    let (ada, bob) = (Uuid::new_v4(), Uuid::new_v4());
    for _ in 0..5 {
        assert!(!is_refused(&limiter.request_of_account(ada).await));
        assert!(!is_refused(&limiter.upload(ada).await));
    }
    assert!(is_refused(&limiter.request_of_account(ada).await) && is_refused(&limiter.upload(ada).await));
    assert!(!is_refused(&limiter.request_of_account(bob).await) && !is_refused(&limiter.upload(bob).await));
}

#[tokio::test]
async fn limit_of_zero_is_off_and_asks_nobody() {
    let nowhere = [("REDIS_URL", "redis://127.0.0.1:1/0"), ("REDIS_PASSWORD", "p")];
    let settings = service::Settings::from_pairs(nowhere);
    let redis = service::redis::RedisConfig::read(&settings).unwrap().connect().unwrap();
    let off = LimitConfig { client_requests: 0, ..CONFIG };
    assert!(Limiter::new(redis.clone(), off).request_of_client(client("192.0.2.7")).await.is_ok());
    let on = Limiter::new(redis, CONFIG).request_of_client(client("192.0.2.7")).await;
    assert!(matches!(on, Err(ApiError::Redis(_))), "{on:?}");
}
