//! What whoever follows a good link gets, from a store in memory, encrypted like any other.

use std::future::IntoFuture;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http_body_util::BodyExt;
use image_store::{DirectLinks, Encrypted, Endpoint, ImageStore, Keys, Memory, S3Config};
use rstest::rstest;
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::{Picture, TimeLeft, answer};

const KEY: &str = "a key that nobody would ever guess";
const OTHER_KEY: &str = "another key that nobody would guess";
/// More than the store holds of it at a time.
const SIZE: usize = 300_000;
/// Where a chunk of the store ends, so that one byte is of the one and the next of the other.
const IN_TWO_CHUNKS: &str = "bytes=65535-65536";

/// No two neighbours are alike, nor two chunks.
fn picture() -> Vec<u8> {
    (0..SIZE).map(|place| u8::try_from(place % 251).unwrap()).collect()
}

/// An image in the store, its object altered by `alter` after that.
async fn altered(keys: &str, alter: fn(&mut Vec<u8>)) -> (Encrypted<Memory>, Uuid) {
    let (objects, id) = (Memory::new(), Uuid::new_v4());
    let put = Encrypted::over(objects.clone(), Keys::parse(KEY).unwrap());
    put.put(id, Bytes::from(picture()).into()).await.unwrap();
    let mut object = objects.get(id).await.unwrap().unwrap().into_bytes().await.unwrap().to_vec();
    alter(&mut object);
    objects.put(id, Bytes::from(object).into()).await.unwrap();
    (Encrypted::over(objects, Keys::parse(keys).unwrap()), id)
}

async fn sound() -> (Encrypted<Memory>, Uuid) {
    altered(KEY, |_| ()).await
}

/// 59.9 s of a link.
fn left() -> TimeLeft {
    let now = OffsetDateTime::from_unix_timestamp(784_111_777).unwrap();
    TimeLeft::of(now, 784_111_777 + 300, now + Duration::milliseconds(59_900)).unwrap()
}

/// Follows a link that has 59.9 s left.
async fn follow(store: &dyn ImageStore, id: Uuid, method: &Method, headers: &HeaderMap) -> Response {
    let picture = Picture { id, content_type: "image/png", size_bytes: SIZE as u64 };
    answer(store, None, picture, left(), method, headers).await.into_response()
}

async fn ask(store: &dyn ImageStore, id: Uuid, method: Method, asked: &[(&'static str, &str)]) -> Response {
    let mut headers = HeaderMap::new();
    for (name, value) in asked {
        headers.append(*name, value.parse().unwrap());
    }
    follow(store, id, &method, &headers).await
}

async fn bytes_of(answer: Response) -> Bytes {
    answer.into_body().collect().await.unwrap().to_bytes()
}

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

#[rstest]
#[case::whole(&[], 200)]
#[case::part(&[("range", "bytes=10-19")], 206)]
#[case::kept(&[("if-none-match", "*")], 304)]
#[tokio::test]
async fn caches_are_told_how_long_is_left_whatever_they_ask_for(
    #[case] asked: &[(&'static str, &str)],
    #[case] status: u16,
) {
    let (store, id) = sound().await;
    for method in [Method::GET, Method::HEAD] {
        let is_head = method == Method::HEAD;
        let answer = ask(&store, id, method, asked).await;
        // HEAD knows no ranges.
        assert_eq!(answer.status(), if is_head && status == 206 { 200 } else { status });
        assert_eq!(header(&answer, "cache-control"), Some("private, max-age=59"));
        assert_eq!(header(&answer, "date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(header(&answer, "expires"), Some("Sun, 06 Nov 1994 08:50:36 GMT"));
        assert_eq!(header(&answer, "etag"), Some(format!("\"{}\"", id.simple()).as_str()));
        assert_eq!(header(&answer, "last-modified"), None);
        if status != 304 {
            assert_eq!(header(&answer, "content-type"), Some("image/png"));
            assert_eq!(header(&answer, "accept-ranges"), Some("bytes"));
            assert_eq!(header(&answer, "content-security-policy"), Some("default-src 'none'; sandbox"));
        }
    }
}

#[rstest]
#[case::first("bytes=0-9", 0, 10)]
#[case::across_chunks(IN_TWO_CHUNKS, 65_535, 65_537)]
#[case::rest("bytes=299990-", 299_990, SIZE)]
#[case::last("bytes=-7", SIZE - 7, SIZE)]
#[case::all("bytes=0-", 0, SIZE)]
#[tokio::test]
async fn range_gets_those_bytes_of_the_whole(#[case] range: &str, #[case] start: usize, #[case] end: usize) {
    let (store, id) = sound().await;
    let answer = ask(&store, id, Method::GET, &[("range", range)]).await;
    assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(header(&answer, "content-range").unwrap(), format!("bytes {start}-{}/{SIZE}", end - 1));
    assert_eq!(header(&answer, "content-length").unwrap(), (end - start).to_string());
    assert_eq!(bytes_of(answer).await, picture()[start..end]);
}

#[rstest]
#[case::none(&[])]
#[case::several(&[("range", "bytes=0-1,5-6")])]
#[case::malformed(&[("range", "bytes=x")])]
#[case::of_another_copy(&[("range", "bytes=0-1"), ("if-range", "\"another\"")])]
#[tokio::test]
async fn whole_comes_where_it_is_not_one_range_of_this_image(#[case] asked: &[(&'static str, &str)]) {
    let (store, id) = sound().await;
    let answer = ask(&store, id, Method::GET, asked).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "content-range"), None);
    assert_eq!(header(&answer, "content-length").unwrap(), SIZE.to_string());
    assert_eq!(bytes_of(answer).await, picture());
}

#[tokio::test]
async fn range_beyond_the_image_is_told_how_long_it_is() {
    let (store, id) = sound().await;
    let answer = ask(&store, id, Method::GET, &[("range", "bytes=300000-")]).await;
    assert_eq!(answer.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(header(&answer, "content-range"), Some("bytes */300000"));
    // An error may not be kept, and `service` says so of every problem.
    assert_eq!(header(&answer, "cache-control"), None);
}

#[tokio::test]
async fn another_image_than_if_match_names_is_refused() {
    let (store, id) = sound().await;
    let answer = ask(&store, id, Method::GET, &[("if-match", "\"another\"")]).await;
    assert_eq!(answer.status(), StatusCode::PRECONDITION_FAILED);
}

#[rstest]
#[case::altered(|object: &mut Vec<u8>| object[100] ^= 1)]
#[case::overwritten(|object: &mut Vec<u8>| object.fill(0))]
#[tokio::test]
async fn head_and_not_modified_are_answered_without_reading_the_image(#[case] alter: fn(&mut Vec<u8>)) {
    let (store, id) = altered(KEY, alter).await;
    // Whoever reads it notices.
    assert_eq!(ask(&store, id, Method::GET, &[]).await.status(), 500);
    let answer = ask(&store, id, Method::HEAD, &[("range", "bytes=0-9")]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "content-length").unwrap(), SIZE.to_string());
    assert_eq!(bytes_of(answer).await, "");
    assert_eq!(ask(&store, id, Method::GET, &[("if-none-match", "*")]).await.status(), 304);
}

#[rstest]
#[case::whole(Method::GET, &[])]
#[case::part(Method::GET, &[("range", "bytes=0-9")])]
#[case::head(Method::HEAD, &[])]
#[tokio::test]
async fn image_whose_object_is_missing_is_gone(
    #[case] method: Method,
    #[case] asked: &[(&'static str, &str)],
) {
    let (store, _) = sound().await;
    assert_eq!(ask(&store, Uuid::new_v4(), method, asked).await.status(), StatusCode::GONE);
}

#[rstest]
#[case::altered_at_the_beginning(KEY, |object: &mut Vec<u8>| object[100] ^= 1)]
#[case::cut_off(KEY, |object: &mut Vec<u8>| object.truncate(200_000))]
#[case::emptied(KEY, Vec::clear)]
#[case::of_a_lost_key(OTHER_KEY, |_: &mut Vec<u8>| ())]
#[tokio::test]
async fn image_that_cannot_be_right_is_a_server_error_and_never_gone(
    #[case] keys: &str,
    #[case] alter: fn(&mut Vec<u8>),
) {
    let (store, id) = altered(keys, alter).await;
    for asked in [&[][..], &[("range", "bytes=0-9")]] {
        assert_eq!(ask(&store, id, Method::GET, asked).await.status(), 500, "{asked:?}");
    }
}

/// Every byte of the answer, head and body, as it comes through a connection.
async fn over_the_network(store: Encrypted<Memory>, id: Uuid, request: &str) -> Vec<u8> {
    let store = Arc::new(store);
    let answer = move |method: Method, request: Request<Body>| {
        let store = Arc::clone(&store);
        async move { follow(&*store, id, &method, request.headers()).await }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, Router::new().route("/", get(answer))).into_future());
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nhost: api\r\nconnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut came = Vec::new();
    // A connection that is broken off may end in an error.
    let _ = client.read_to_end(&mut came).await;
    server.abort();
    came
}

/// Where the body begins, and the head in lower case.
fn head_of(came: &[u8]) -> (usize, String) {
    let end = came.windows(4).position(|end| end == b"\r\n\r\n").map_or(came.len(), |end| end + 4);
    (end, String::from_utf8_lossy(&came[..end]).to_lowercase())
}

#[tokio::test]
async fn image_altered_after_its_beginning_breaks_the_connection_off_before_its_length_is_reached() {
    let (store, id) = altered(KEY, |object| object[200_000] ^= 1).await;
    let came = over_the_network(store, id, "GET /").await;
    // How much is sent before the error is found is the server's affair; it may be nothing at all.
    let (head, told) = head_of(&came);
    assert!(came.len() < head + SIZE, "all {SIZE} bytes came");
    assert!(picture().starts_with(&came[head..]), "bytes came that were never put");
    assert!(head == 0 || told.contains(&format!("content-length: {SIZE}")), "{told}");
}

#[tokio::test]
async fn image_that_is_as_it_was_put_comes_whole() {
    let (store, id) = sound().await;
    let came = over_the_network(store, id, "GET /").await;
    assert!(came.ends_with(&picture()));
}

#[tokio::test]
async fn head_tells_the_length_and_one_date_and_sends_nothing() {
    let (store, id) = sound().await;
    let came = over_the_network(store, id, "HEAD /").await;
    let (head, told) = head_of(&came);
    assert_eq!(came.len(), head);
    assert!(told.contains(&format!("content-length: {SIZE}\r\n")), "{told}");
    // The server does not add its own.
    assert_eq!(told.matches("\r\ndate: ").count(), 1, "{told}");
    assert!(told.contains("date: sun, 06 nov 1994 08:49:37 gmt"), "{told}");
}

/// Follows a link where people are sent straight to the store.
async fn straight(store: &Memory, id: Uuid, method: &Method) -> Response {
    let endpoint = Endpoint::parse("https://images.example.com").unwrap();
    let bucket = S3Config::new(endpoint, "garage", "images", "GK31c2f218a2e44f485b94239e", KEY).unwrap();
    let links = DirectLinks::new(&bucket, None).unwrap();
    let picture = Picture { id, content_type: "image/png", size_bytes: SIZE as u64 };
    answer(store, Some(&links), picture, left(), method, &HeaderMap::new()).await.into_response()
}

#[tokio::test]
async fn whoever_is_sent_to_the_store_is_sent_for_seconds_and_no_cache_keeps_the_way() {
    let (store, id) = (Memory::new(), Uuid::new_v4());
    store.put(id, Bytes::from(picture()).into()).await.unwrap();
    let answer = straight(&store, id, &Method::GET).await;
    assert_eq!((answer.status(), header(&answer, "cache-control")), (StatusCode::FOUND, Some("no-store")));
    let way = header(&answer, "location").unwrap();
    assert!(way.starts_with(&format!("https://images.example.com/images/{id}?")), "not there");
    assert!(way.contains("X-Amz-Expires=5&"), "not for five seconds");
}

#[tokio::test]
async fn head_is_answered_here_because_the_way_to_the_store_is_signed_for_get() {
    let (store, id) = (Memory::new(), Uuid::new_v4());
    store.put(id, Bytes::from(picture()).into()).await.unwrap();
    let answer = straight(&store, id, &Method::HEAD).await;
    assert_eq!((answer.status(), header(&answer, "location")), (StatusCode::OK, None));
    assert_eq!(header(&answer, "content-length"), Some(SIZE.to_string().as_str()));
}

#[tokio::test]
async fn object_that_is_not_as_long_as_its_image_is_nothing_to_send_people_to() {
    let (store, id) = (Memory::new(), Uuid::new_v4());
    let gone = straight(&store, id, &Method::GET).await;
    assert_eq!(gone.status(), StatusCode::GONE);
    store.put(id, Bytes::from_static(b"encrypted before").into()).await.unwrap();
    let answer = straight(&store, id, &Method::GET).await;
    assert_eq!((answer.status(), header(&answer, "location")), (StatusCode::INTERNAL_SERVER_ERROR, None));
}
