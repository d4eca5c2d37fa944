//! A server that is away, slow, or goes away in the middle.

use std::time::Instant;

use rstest::rstest;

use super::relay::{After, Relay};
use super::*;

/// Impatient, so that a test need not wait as long as people would.
const IMPATIENT: Timeouts = Timeouts {
    connect: Duration::from_millis(500),
    answer: Duration::from_millis(500),
    written: Duration::from_millis(500),
    chunk: Duration::from_millis(500),
};

/// The bucket of a [`TestGarage`] at that endpoint.
pub(super) fn at(endpoint: &str) -> S3Config {
    let endpoint = Endpoint::parse(endpoint).unwrap();
    S3Config::new(endpoint, TestGarage::REGION, TestGarage::BUCKET, TestGarage::KEY_ID, TestGarage::SECRET)
        .unwrap()
}

#[tokio::test]
async fn server_that_is_not_there_is_told_by_every_operation_at_once() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let began = Instant::now();
    all_say(&S3::new(&at(&endpoint)), "no connection (Connection refused").await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn name_without_an_address_is_told_with_the_setting_to_look_at() {
    let said = S3::new(&at("http://image-store.invalid:3900")).check().await.unwrap_err().to_string();
    assert!(said.contains("no connection (") && said.contains("S3_ENDPOINT is its address"), "{said}");
}

#[tokio::test]
async fn server_that_never_answers_is_given_up_within_the_timeout() {
    // Connections are taken by the system, and nobody reads from them.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let store = S3::waiting(&at(&endpoint), IMPATIENT);
    all_say(&store, "no answer within 0.5 s").await;
}

#[tokio::test]
async fn server_that_speaks_something_else_is_told_as_such() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", other.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = other.accept().await {
            // What a server of TLS says to a request in plain: a fatal alert (RFC 8446, 6).
            let _ = client.read(&mut [0; 16]).await;
            let _ = client.write_all(&[21, 3, 3, 0, 2, 2, 10]).await;
        }
    });
    let said = S3::new(&at(&endpoint)).check().await.unwrap_err().to_string();
    assert!(said.contains("does not speak HTTP") && said.contains("begins with https://"), "{said}");
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn store_works_again_once_the_server_is_back_and_has_what_it_had() {
    let mut garage = TestGarage::start().await;
    let store = encrypted(garage.store());
    let id = Uuid::new_v4();
    store.put(id, pattern(300_000).into()).await.unwrap();
    garage.kill();
    all_say(&store, "image store at http").await;
    garage.restart().await;
    store.check().await.unwrap();
    assert_eq!(store.get(id).await.unwrap().unwrap().into_bytes().await.unwrap(), pattern(300_000));
}

#[rstest]
#[case::breaks_off(After::BreakOff, "broke off")]
#[case::stalls(After::Stall, "no answer within 0.5 s")]
#[ignore = "needs garage on the PATH"]
#[tokio::test]
async fn answer_that_ends_in_the_middle_ends_in_an_error_and_never_in_half_a_picture(
    #[case] after: After,
    #[case] expected: &str,
) {
    use futures::TryStreamExt;
    let garage = TestGarage::start().await;
    let id = Uuid::new_v4();
    encrypted(garage.store()).put(id, pattern(1_000_000).into()).await.unwrap();
    let relay = Relay::start(garage.endpoint(), 400_000, after).await;
    let store = encrypted(S3::waiting(&at(&relay.endpoint()), IMPATIENT));
    let mut content = store.get(id).await.unwrap().unwrap().content;
    let mut came = Vec::new();
    let end = loop {
        match content.try_next().await {
            Ok(Some(chunk)) => came.extend_from_slice(&chunk),
            Ok(None) => panic!("it ended as if that were all, after {} bytes", came.len()),
            Err(error) => break error.to_string(),
        }
    };
    assert!(end.contains(expected), "{end}");
    assert!(came.len() < 400_000 && came == pattern(1_000_000)[..came.len()]);
}

#[rstest]
#[case::breaks_off(After::BreakOff, "broke off")]
#[case::stalls(After::Stall, "no answer within 0.5 s")]
#[ignore = "needs garage on the PATH"]
#[tokio::test]
async fn put_whose_answer_is_lost_is_an_error_and_leaves_one_whole_image(
    #[case] after: After,
    #[case] expected: &str,
    #[values(100_000, PART_BYTES + 1)] size: usize,
) {
    let garage = TestGarage::start().await;
    let id = Uuid::new_v4();
    let direct = encrypted(garage.store());
    direct.put(id, Bytes::from_static(b"image").into()).await.unwrap();
    let relay = Relay::start(garage.endpoint(), 10, after).await;
    let store = encrypted(S3::waiting(&at(&relay.endpoint()), IMPATIENT));
    let said = store.put(id, pattern(size).into()).await.unwrap_err().to_string();
    assert!(said.contains(expected), "{said}");
    let there = direct.get(id).await.unwrap().unwrap().into_bytes().await.unwrap();
    assert!(there == b"image"[..] || there == pattern(size), "{} bytes", there.len());
}
