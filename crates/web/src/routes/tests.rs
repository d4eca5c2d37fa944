//! The whole router, with no api behind it: what it shows to strangers, what it refuses, how it fails.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use rstest::rstest;
use serde_json::Value;
use service::{Metrics, Secret, Settings};
use tower::ServiceExt;

use crate::config::WebConfig;
use crate::csrf::Csrf;
use crate::state::WebState;

const COOKIE: &str = "abcdefghijklmnopqrstuvwxyz0123456789_-ABCDE";
const ID: &str = "3f2b8c1e-5d7a-4c9b-8e6f-0a1b2c3d4e5f";

/// Nothing listens on port 1, so the api refuses at once.
fn router() -> Router {
    let settings = Settings::from_pairs([
        ("API_URL", "http://127.0.0.1:1"),
        ("PUBLIC_ORIGIN", "https://ours.example"),
        ("UPLOAD_MAX_BYTES", "2000"),
    ]);
    super::router(&WebState::new(WebConfig::read(&settings).unwrap()).unwrap(), &Metrics::new())
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// All `Set-Cookie` that are about the session.
    fn session_cookies(&self) -> Vec<&str> {
        let cookies = self.headers.get_all("set-cookie").into_iter().map(|value| value.to_str().unwrap());
        cookies.filter(|cookie| cookie.starts_with("__Host-session=")).collect()
    }
}

async fn ask(request: Request<Body>) -> Answer {
    let (parts, body) = router().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

async fn get(path: &str) -> Answer {
    ask(Request::get(path).body(Body::empty()).unwrap()).await
}

async fn get_signed_in(path: &str) -> Answer {
    let request = Request::get(path).header("cookie", format!("__Host-session={COOKIE}"));
    ask(request.body(Body::empty()).unwrap()).await
}

/// A form as a browser sends it from a page of ours.
fn post(path: &str, cookie: &str) -> axum::http::request::Builder {
    Request::post(path)
        .header("cookie", format!("{cookie}={COOKIE}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://ours.example")
}

fn token() -> String {
    Csrf::of(&Secret::new(COOKIE)).token()
}

async fn send_form(path: &str, cookie: &str, fields: &str) -> Answer {
    let fields = format!("csrf={}&{fields}", token());
    ask(post(path, cookie).body(Body::from(fields)).unwrap()).await
}

fn assert_error_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.body.contains(answer.header("x-request-id")), "{}", answer.body);
}

#[rstest]
#[case("/")]
#[case("/sign-up")]
#[case("/log-in")]
#[case("/nowhere")]
#[case("/assets/none.css")]
#[tokio::test]
async fn every_answer_is_protected_and_not_kept(#[case] path: &str) {
    let answer = get(path).await;
    assert_eq!(answer.header("content-security-policy"), crate::headers::CONTENT_SECURITY_POLICY);
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.headers.get("access-control-allow-origin"), None);
}

#[rstest]
#[case("/sign-up", "sign-up-form")]
#[case("/log-in", "log-in-form")]
#[tokio::test]
async fn stranger_gets_a_form_and_a_visit_that_belong_together(#[case] path: &str, #[case] form: &str) {
    let answer = get(path).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains(&format!("id=\"{form}\"")), "{}", answer.body);
    let visit = answer.header("set-cookie").strip_prefix("__Host-visit=").unwrap();
    let (visit, flags) = visit.split_once(';').unwrap();
    assert_eq!(flags, " Path=/; HttpOnly; Secure; SameSite=Lax");
    let token = answer.body.split_once("name=\"csrf\" value=\"").unwrap().1.split_once('"').unwrap().0;
    assert!(Csrf::of(&Secret::new(visit)).accepts(token));
}

#[rstest]
#[case("/gallery", "/log-in?next=/gallery&notice=log-in-first")]
#[case("/gallery?page=2", "/log-in?next=/gallery&notice=log-in-first")]
#[case("/account", "/log-in?next=/account&notice=log-in-first")]
#[case(&format!("/gallery/{ID}"), &format!("/log-in?next=/gallery/{ID}&notice=log-in-first"))]
#[case(&format!("/jobs/{ID}"), &format!("/log-in?next=/jobs/{ID}&notice=log-in-first"))]
#[tokio::test]
async fn stranger_is_led_to_the_log_in_page(#[case] path: &str, #[case] address: &str) {
    let answer = get(path).await;
    assert_eq!((answer.status, answer.header("location")), (303, address));
    assert!(answer.session_cookies().is_empty());
}

#[tokio::test]
async fn session_cookie_that_was_cut_short_is_cleared_and_counts_as_none() {
    let request = Request::get("/gallery").header("cookie", "__Host-session=abc").body(Body::empty());
    let answer = ask(request.unwrap()).await;
    assert_eq!(answer.header("location"), "/log-in?next=/gallery&notice=session-over");
    assert!(answer.session_cookies()[0].contains("Max-Age=0"));
    let request = Request::get("/").header("cookie", "__Host-session=abc").body(Body::empty());
    let answer = ask(request.unwrap()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.session_cookies()[0].contains("Max-Age=0"));
}

#[rstest]
#[case("/")]
#[case("/log-in")]
#[case("/sign-up")]
#[tokio::test]
async fn whoever_is_signed_in_goes_on_to_the_gallery(#[case] path: &str) {
    let answer = get_signed_in(path).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/gallery"));
}

#[rstest]
#[case("/gallery")]
#[case("/account")]
#[case(&format!("/gallery/{ID}"))]
#[case(&format!("/gallery/{ID}/picture"))]
#[case(&format!("/jobs/{ID}"))]
#[tokio::test]
async fn api_that_is_down_is_a_page_that_says_so(#[case] path: &str) {
    let answer = get_signed_in(path).await;
    assert_error_page(&answer, 503);
    assert_eq!(answer.header("retry-after"), "5");
    assert!(answer.session_cookies().is_empty(), "nobody is logged out by that");
    assert!(!answer.body.contains("127.0.0.1") && !answer.body.contains("api"), "{}", answer.body);
}

#[tokio::test]
async fn script_is_told_in_json() {
    let path = format!("/jobs/{ID}/state");
    let request = Request::get(&path).header("accept", "application/json");
    let signed_in = request.header("cookie", format!("__Host-session={COOKIE}"));
    let answer = ask(signed_in.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.header("content-type")), (503, "application/json"));
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["error"]["retry_after_seconds"], 5);

    let request = Request::get(&path).header("accept", "application/json").body(Body::empty());
    let answer = ask(request.unwrap()).await;
    assert_eq!(answer.status, 401);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["next"], format!("/log-in?next=/jobs/{ID}&notice=log-in-first"));
}

#[rstest]
#[case::unknown("GET", "/nowhere", 404)]
#[case::trailing_slash("GET", "/gallery/", 404)]
#[case::no_id("GET", "/gallery/no-id", 404)]
#[case::hostile_path("GET", "/%3Cscript%3E", 404)]
#[case::wrong_method("GET", "/log-out", 405)]
#[case::no_form("POST", "/log-in", 415)]
#[tokio::test]
async fn error_is_a_page_with_the_request_id(#[case] method: &str, #[case] path: &str, #[case] status: u16) {
    let request = Request::builder().method(method).uri(path).header("x-request-id", "r-1");
    let request = request.header("cookie", format!("__Host-session={COOKIE}"));
    let answer = ask(request.body(Body::empty()).unwrap()).await;
    assert_error_page(&answer, status);
    assert_eq!(answer.header("x-request-id"), "r-1");
    assert!(!answer.body.contains("<script>"), "{}", answer.body);
}

#[rstest]
#[case::log_in("/log-in", "__Host-visit")]
#[case::sign_up("/sign-up", "__Host-visit")]
#[case::log_out("/log-out", "__Host-session")]
#[case::delete(&format!("/gallery/{ID}/delete"), "__Host-session")]
#[case::password("/account/password", "__Host-session")]
#[case::everywhere("/account/log-out-everywhere", "__Host-session")]
#[tokio::test]
async fn form_is_refused_without_its_token_and_from_another_site(#[case] path: &str, #[case] cookie: &str) {
    let fields = "email=a%40b&password=12345678";
    for sent in [fields.to_owned(), format!("csrf=AAAA&{fields}"), format!("csrf=&{fields}")] {
        let answer = ask(post(path, cookie).body(Body::from(sent)).unwrap()).await;
        assert_error_page(&answer, 403);
        assert!(answer.session_cookies().is_empty());
    }
    let sent = format!("csrf={}&{fields}", token());
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let request = post(path, cookie).header(name, value).body(Body::from(sent.clone()));
        assert_error_page(&ask(request.unwrap()).await, 403);
    }
    // The same form, as our page sends it, gets as far as the api, which is down.
    let answer = send_form(path, cookie, fields).await;
    assert!(matches!(answer.status, 303 | 503), "{}", answer.status);
}

#[tokio::test]
async fn token_of_a_visit_is_none_of_a_session() {
    let other = Csrf::of(&Secret::new("another-cookie-0123456789-0123456789")).token();
    let fields = format!("csrf={other}");
    let answer = ask(post("/log-out", "__Host-session").body(Body::from(fields)).unwrap()).await;
    assert_error_page(&answer, 403);
}

#[tokio::test]
async fn logging_out_forgets_everything_even_when_the_api_is_down() {
    let answer = send_form("/log-out", "__Host-session", "").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/log-in?notice=logged-out-here"));
    assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
    assert!(answer.session_cookies()[0].contains("Max-Age=0"));
}

#[tokio::test]
async fn form_that_is_sent_in_a_session_that_is_over_leads_to_the_log_in_page() {
    let request = Request::post(format!("/gallery/{ID}/delete")).body(Body::empty()).unwrap();
    let answer = ask(request).await;
    assert_eq!(answer.header("location"), format!("/log-in?next=/gallery/{ID}&notice=session-over"));
}

#[rstest]
#[case::field_twice("email=a&email=b", 422)]
#[case::field_of_a_megabyte(&format!("email={}", "a".repeat(1_000_000)), 413)]
#[case::not_utf8("email=%ff%fe&password=%00", 503)]
#[tokio::test]
async fn hostile_form_is_refused_or_left_to_the_api(#[case] fields: &str, #[case] status: u16) {
    assert_error_page(&send_form("/sign-up", "__Host-visit", fields).await, status);
}

#[tokio::test]
async fn address_cannot_make_a_page_say_or_lead_to_anything() {
    let path = "/log-in?next=//evil.example&notice=%3Cscript%3Eyou%20won%3C/script%3E";
    let answer = get(path).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("evil.example") && !answer.body.contains("you won"), "{}", answer.body);
    assert_eq!(get("/log-in?next=a&next=b").await.status, 400);
}

fn photo_form(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend([head.as_bytes(), value, b"\r\n"].concat());
    }
    [body.as_slice(), b"--b--\r\n"].concat()
}

async fn send_photo(accept: &str, body: Vec<u8>) -> Answer {
    let request = Request::post("/gallery")
        .header("cookie", format!("__Host-session={COOKIE}"))
        .header("content-type", "multipart/form-data; boundary=b")
        .header("content-length", body.len())
        .header("accept", accept);
    ask(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn photo_is_refused_without_the_token_before_it_is_read() {
    let body = photo_form(&[("csrf", b"AAAA"), ("nonce", b"0123456789"), ("image", b"photo")]);
    assert_error_page(&send_photo("text/html", body.clone()).await, 403);
    let answer = send_photo("application/json", body).await;
    assert_eq!((answer.status, answer.header("content-type")), (403, "application/json"));
    assert!(answer.body.starts_with(r#"{"error":{"#), "{}", answer.body);
}

#[tokio::test]
async fn photo_beyond_the_limit_is_refused_by_its_announced_length() {
    let answer = send_photo("application/json", vec![0; 2_000 + 64 * 1024 + 1]).await;
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("larger than 0 MB"), "{}", answer.body);
}

#[tokio::test]
async fn photo_finds_no_api() {
    let token = token();
    let body = photo_form(&[
        ("csrf", token.as_bytes()),
        ("nonce", b"0123456789"),
        ("effect", b"duotone"),
        ("ttl_seconds", b""),
        ("image", b"photo"),
    ]);
    let answer = send_photo("text/html", body).await;
    assert_error_page(&answer, 503);
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn stranger_who_sends_a_photo_is_told_that_it_was_not_kept() {
    let request = Request::post("/gallery").header("content-type", "multipart/form-data; boundary=b");
    let answer = ask(request.body(Body::from(photo_form(&[("image", b"photo")]))).unwrap()).await;
    assert_eq!(answer.header("location"), "/log-in?next=/gallery&notice=photo-not-kept");
}

#[tokio::test]
async fn web_lives_while_the_api_is_down_and_says_that_it_is_not_ready() {
    assert_eq!(get("/health").await.status, 200);
    let answer = get("/ready").await;
    assert_eq!(answer.status, 503);
    let report: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(report["dependencies"]["api"]["error"], "connection refused");
}
