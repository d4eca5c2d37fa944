//! The whole router, with nothing behind it: what it refuses, and how it fails, needs no database.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use rstest::rstest;
use serde_json::Value;
use service::{Metrics, Settings};
use tower::ServiceExt;
use utoipa::OpenApi;

use super::openapi::Description;
use crate::config::ApiConfig;
use crate::state::ApiState;

/// Nothing listens on port 1, so every dependency refuses at once.
fn router() -> Router {
    let settings = Settings::from_pairs([
        ("POSTGRES_HOST", "127.0.0.1"),
        ("POSTGRES_PORT", "1"),
        ("POSTGRES_DB", "shakedown"),
        ("POSTGRES_USER", "shakedown_app"),
        ("POSTGRES_PASSWORD", "planted-postgres-password"),
        ("REDIS_URL", "redis://127.0.0.1:1/0"),
        ("REDIS_PASSWORD", "planted-redis-password"),
        ("LINK_SIGNING_KEY", "planted-0123456789abcdef01234567"),
        ("PUBLIC_ORIGIN", "http://localhost:8080"),
        ("IMAGE_STORE", "filesystem"),
        ("IMAGE_STORE_PATH", "/nowhere/images"),
    ]);
    let config = ApiConfig::read(&settings).unwrap();
    super::router(ApiState::connect(&config).unwrap(), &Metrics::new())
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

async fn ask(request: Request<Body>) -> Answer {
    let (parts, body) = router().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    assert!(!bytes.windows(7).any(|window| window == b"planted"), "a secret in an answer");
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}

fn assert_problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.body["status"], status);
    assert_eq!(answer.headers["x-request-id"], answer.body["request_id"].as_str().unwrap());
}

#[tokio::test]
async fn health_is_green_while_every_dependency_is_down() {
    let answer = ask(Request::get("/health").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn ready_is_red_and_names_every_dependency_that_is_down() {
    let answer = ask(Request::get("/ready").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    insta::assert_json_snapshot!(answer.body, @r#"
    {
      "dependencies": {
        "image_store": {
          "error": "image folder /nowhere/images does not exist or is no folder; mount the volume there or set IMAGE_STORE_PATH",
          "status": "down"
        },
        "postgres": {
          "error": "connection refused",
          "status": "down"
        },
        "redis": {
          "error": "connection refused",
          "status": "down"
        }
      },
      "status": "not_ready"
    }
    "#);
}

#[rstest]
#[case::unknown_route("GET", "/v2/everything", 404)]
#[case::wrong_method("PUT", "/v1/users", 405)]
#[case::link_without_signature("GET", "/images/7f0c0000-0000-0000-0000-000000000000", 403)]
#[case::link_to_no_id("GET", "/images/..%2fetc?expires=1&signature=a", 403)]
#[case::anonymous_list("GET", "/v1/images", 401)]
#[case::anonymous_upload("POST", "/v1/images", 401)]
#[case::anonymous_job("GET", "/v1/jobs/7f0c0000-0000-0000-0000-000000000000", 401)]
#[case::anonymous_delete("DELETE", "/v1/images/not-an-id", 401)]
#[case::anonymous_log_out("DELETE", "/v1/sessions/current", 401)]
#[case::no_content_type("POST", "/v1/users", 415)]
#[tokio::test]
async fn refusal_is_a_problem_document(#[case] method: &str, #[case] path: &str, #[case] status: u16) {
    let answer = ask(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await;
    assert_problem(&answer, status);
    assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
}

#[tokio::test]
async fn body_beyond_the_bound_is_refused() {
    let body = format!(r#"{{"email":"{}"}}"#, "a".repeat(20_000));
    let request =
        Request::post("/v1/users").header("content-type", "application/json").body(Body::from(body));
    assert_problem(&ask(request.unwrap()).await, 413);
}

#[tokio::test]
async fn dependency_that_is_down_is_answered_with_503() {
    let request = Request::get("/v1/images").header("authorization", "Bearer some-token").body(Body::empty());
    assert_problem(&ask(request.unwrap()).await, 503);
    let body = r#"{"email":"ada@example.org","password":"12345678"}"#;
    let request =
        Request::post("/v1/sessions").header("content-type", "application/json").body(Body::from(body));
    let answer = ask(request.unwrap()).await;
    assert_problem(&answer, 503);
    assert_eq!(answer.headers["retry-after"], "1");
}

#[tokio::test]
async fn every_documented_address_is_there() {
    let document = serde_json::to_value(Description::openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "7f0c0000-0000-0000-0000-000000000000");
        for method in item.as_object().unwrap().keys().filter(|key| *key != "servers") {
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(&path);
            let answer = ask(request.body(Body::empty()).unwrap()).await;
            assert!(!matches!(answer.status.as_u16(), 404 | 405), "{method} {path}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn document_says_where_the_api_and_the_links_are() {
    let answer = ask(Request::get("/v1/openapi.json").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.body["servers"][0]["url"], "http://localhost:8080/api");
    assert_eq!(answer.body["paths"]["/images/{id}"]["servers"][0]["url"], "http://localhost:8080");
    let refused = &answer.body["paths"]["/v1/users"]["post"]["responses"]["409"]["content"];
    assert!(refused["application/problem+json"]["schema"]["$ref"].is_string(), "{refused}");
    assert_eq!(answer.body["components"]["securitySchemes"]["session"]["scheme"], "bearer");
}
