//! Sessions against a real Redis; see [`crate::test_redis`].

use std::time::{Duration, Instant};

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Life, SESSIONS_OF_USER, Sessions, key};
use crate::test_redis::TestRedis;

const LONG: Life = Life { ttl: Duration::from_hours(1), idle: Duration::from_mins(10) };

#[test]
fn key_does_not_hold_the_token() {
    assert!(!key("token").contains("token"));
    assert_eq!(key("token").len(), "session:".len() + 64);
}

/// How long a session lives when it is used every 20 ms.
async fn life_in_use(sessions: &Sessions, token: &str) -> Duration {
    let began = Instant::now();
    while sessions.find(token).await.unwrap().is_some() {
        assert!(began.elapsed() < Duration::from_secs(10), "it never ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn session_is_found_by_every_replica_until_it_is_ended() {
    let redis = TestRedis::start().await;
    let (one, other) = (Sessions::new(redis.connect()), Sessions::new(redis.connect()));
    let user_id = Uuid::new_v4();
    let (token, opened) = one.open(user_id, LONG).await.unwrap();
    assert_eq!(other.find(&token).await.unwrap(), Some(opened.clone()));
    let left = opened.ends_at - OffsetDateTime::now_utc();
    assert!((left.whole_seconds() - 3600).abs() < 5, "{left}");
    other.end(&opened).await.unwrap();
    assert_eq!(one.find(&token).await.unwrap(), None);
    assert_eq!(one.find("forged").await.unwrap(), None);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn session_ends_when_it_is_not_used_for_its_idle_time() {
    let redis = TestRedis::start().await;
    let sessions = Sessions::new(redis.connect());
    let life = Life { idle: Duration::from_millis(300), ..LONG };
    let (token, _) = sessions.open(Uuid::new_v4(), life).await.unwrap();
    // Used twice as long as it may be idle, it lives; left alone, it does not.
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(sessions.find(&token).await.unwrap().is_some());
    }
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(sessions.find(&token).await.unwrap(), None);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn session_ends_in_the_end_however_much_it_is_used() {
    let redis = TestRedis::start().await;
    let sessions = Sessions::new(redis.connect());
    let life = Life { ttl: Duration::from_millis(500), idle: Duration::from_mins(1) };
    let (token, _) = sessions.open(Uuid::new_v4(), life).await.unwrap();
    let lived = life_in_use(&sessions, &token).await;
    assert!(lived > Duration::from_millis(300) && lived < Duration::from_millis(1500), "{lived:?}");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn all_sessions_of_a_user_end_together_or_all_but_one() {
    let redis = TestRedis::start().await;
    let sessions = Sessions::new(redis.connect());
    let (ada, bob) = (Uuid::new_v4(), Uuid::new_v4());
    let (first, _) = sessions.open(ada, LONG).await.unwrap();
    let (second, kept) = sessions.open(ada, LONG).await.unwrap();
    let (of_bob, _) = sessions.open(bob, LONG).await.unwrap();

    assert_eq!(sessions.end_others(&kept).await.unwrap(), 1);
    assert_eq!(sessions.find(&first).await.unwrap(), None);
    assert_eq!(sessions.find(&second).await.unwrap(), Some(kept));

    assert_eq!(sessions.end_all(ada).await.unwrap(), 1);
    assert_eq!(sessions.find(&second).await.unwrap(), None);
    assert!(sessions.find(&of_bob).await.unwrap().is_some());
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn one_session_too_many_ends_the_oldest() {
    let redis = TestRedis::start().await;
    let sessions = Sessions::new(redis.connect());
    let user_id = Uuid::new_v4();
    let (oldest, _) = sessions.open(user_id, LONG).await.unwrap();
    // So that the clock tells it from the others.
    tokio::time::sleep(Duration::from_millis(5)).await;
    let (brief, ended) = sessions.open(user_id, LONG).await.unwrap();
    sessions.end(&ended).await.unwrap();
    for _ in 1..SESSIONS_OF_USER {
        sessions.open(user_id, LONG).await.unwrap();
    }
    assert!(sessions.find(&oldest).await.unwrap().is_some());
    assert!(sessions.find(&brief).await.unwrap().is_none());
    sessions.open(user_id, LONG).await.unwrap();
    assert!(sessions.find(&oldest).await.unwrap().is_none());
    assert_eq!(sessions.end_all(user_id).await.unwrap(), 100);
}
