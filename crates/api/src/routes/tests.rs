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

/// Nothing listens on port 1, so every dependency refuses at once. Without limits, or Redis would be asked first.
fn router() -> Router {
    router_with(&[("RATE_LIMIT_CLIENT_REQUESTS", "0"), ("RATE_LIMIT_LOGINS", "0")])
}

fn router_with(more: &[(&str, &str)]) -> Router {
    let settings = Settings::from_pairs(COMPLETE.iter().chain(more).copied());
    let config = ApiConfig::read(&settings).unwrap();
    super::router(ApiState::connect(&config).unwrap(), &Metrics::new())
}

const COMPLETE: [(&str, &str); 13] = [
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
    ("IMAGE_ENCRYPTION_KEY", "planted-fedcba9876543210fedcba98"),
    ("ALLOWED_ORIGIN", "https://allowed.example,https://also.example:8443"),
];

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

async fn ask(request: Request<Body>) -> Answer {
    ask_of(router(), request).await
}

async fn ask_of(router: Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
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
    // `serde_json` keeps another order where some crate of the build turns its `preserve_order` on.
    insta::with_settings!({ sort_maps => true }, {
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
    });
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
#[case::anonymous_log_out_everywhere("DELETE", "/v1/sessions", 401)]
#[case::anonymous_session("GET", "/v1/sessions/current", 401)]
#[case::anonymous_account("GET", "/v1/users/me", 401)]
#[case::anonymous_password("PUT", "/v1/users/me/password", 401)]
#[case::unknown_below_v1("GET", "/v1/nothing", 404)]
#[case::nothing_at_all("GET", "/", 404)]
#[case::wrong_method_of_links("POST", "/images/7f0c0000-0000-0000-0000-000000000000", 405)]
#[case::trailing_slash("GET", "/v1/images/", 404)]
#[case::double_slash("GET", "/v1//images", 404)]
#[case::other_case("GET", "/V1/images", 404)]
#[case::not_utf8("GET", "/v1/images/%ff", 401)]
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

#[rstest]
#[case("GET", "/v1/openapi.json")]
#[case("GET", "/v1/nothing")]
#[case("GET", "/images/7f0c0000-0000-0000-0000-000000000000")]
#[case("GET", "/nothing")]
#[case("POST", "/v1/images")]
#[case("OPTIONS", "/v1/users")]
#[tokio::test]
async fn nothing_is_answered_uncounted_while_nobody_can_count(#[case] method: &str, #[case] path: &str) {
    let request = Request::builder().method(method).uri(path).header("origin", "https://allowed.example");
    let answer = ask_of(router_with(&[]), request.body(Body::empty()).unwrap()).await;
    assert_problem(&answer, 503);
    assert_eq!(answer.headers["retry-after"], "1");
    // A page of an allowed origin may read why, but for preflights, which no page reads.
    let readable = answer.headers.contains_key("access-control-allow-origin");
    assert_eq!(readable, path.starts_with("/v1") && method != "OPTIONS");
}

#[tokio::test]
async fn health_is_never_limited() {
    let answer = ask_of(router_with(&[]), Request::get("/health").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[rstest]
#[case::allowed("https://allowed.example", true)]
#[case::also_allowed("https://also.example:8443", true)]
#[case::stranger("https://evil.example", false)]
#[case::no_origin("null", false)]
#[case::other_scheme("http://allowed.example", false)]
#[case::other_port("https://allowed.example:8443", false)]
#[case::below("https://sub.allowed.example", false)]
#[case::suffix("https://allowed.example.evil.example", false)]
#[case::prefix("https://notallowed.example", false)]
#[case::other_case("https://ALLOWED.example", false)]
#[case::everybody("*", false)]
#[tokio::test]
async fn only_allowed_origins_may_read_answers(#[case] origin: &str, #[case] allowed: bool) {
    let preflight = Request::builder()
        .method("OPTIONS")
        .uri("/v1/users/me/password")
        .header("origin", origin)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "authorization,content-type");
    let request = Request::get("/v1/openapi.json").header("origin", origin);
    for request in [preflight, request] {
        let answer = ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        let told = answer.headers.get("access-control-allow-origin");
        assert_eq!(told.map(|told| told.to_str().unwrap()), allowed.then_some(origin));
        assert_eq!(answer.headers["vary"], "origin");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    }
}

#[tokio::test]
async fn links_and_health_are_of_no_concern_to_other_origins() {
    for path in ["/images/7f0c0000-0000-0000-0000-000000000000", "/health", "/nothing"] {
        let request = Request::get(path).header("origin", "https://allowed.example").body(Body::empty());
        let answer = ask(request.unwrap()).await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{path}");
    }
}

#[rstest]
#[case::method_not_there("/v1/users", "PATCH", "POST")]
#[case::merged_from_two_routers("/v1/images", "PUT", "GET,HEAD,POST")]
#[tokio::test]
async fn other_methods_are_refused_with_those_that_work(
    #[case] path: &str,
    #[case] method: &str,
    #[case] expected: &str,
) {
    let answer = ask(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await;
    assert_problem(&answer, 405);
    let mut allow: Vec<&str> = answer.headers["allow"].to_str().unwrap().split(',').collect();
    allow.sort_unstable();
    assert_eq!(allow.join(","), expected);
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

#[tokio::test]
async fn document_tells_every_refusal_and_when_to_come_back() {
    let answer = ask(Request::get("/v1/openapi.json").body(Body::empty()).unwrap()).await;
    for (path, item) in answer.body["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "servers") {
            let statuses: Vec<u16> =
                operation["responses"].as_object().unwrap().keys().map(|key| key.parse().unwrap()).collect();
            let place = format!("{method} {path}: {statuses:?}");
            for status in [429, 503] {
                let header = &operation["responses"][status.to_string()]["headers"]["Retry-After"];
                assert_eq!(header["schema"]["type"], "integer", "{place}");
            }
            let needs_session = operation.get("security").is_some();
            assert!(!needs_session || statuses.contains(&401), "{place}");
            let has_body = operation.get("requestBody").is_some();
            assert!(
                !has_body || [400, 413, 415, 422].iter().all(|status| statuses.contains(status)),
                "{place}"
            );
        }
    }
}

#[tokio::test]
async fn document_promises_no_more_than_is_taken() {
    let answer = ask(Request::get("/v1/openapi.json").body(Body::empty()).unwrap()).await;
    let schemas = &answer.body["components"]["schemas"];
    assert_eq!(schemas["NewSession"]["properties"]["ttl_seconds"]["maximum"], 86_400);
    assert_eq!(schemas["NewSession"]["properties"]["idle_seconds"]["maximum"], 3600);
    assert_eq!(schemas["UploadForm"]["properties"]["ttl_seconds"]["maximum"], 3600);
    assert_eq!(schemas["NewUser"]["properties"]["email"]["pattern"], crate::email::PATTERN);
    for (schema, fields) in [
        ("NewUser", &["email", "password"][..]),
        ("NewSession", &["email", "password"]),
        ("PasswordChange", &["current_password", "new_password"]),
    ] {
        assert_eq!(schemas[schema]["additionalProperties"], false, "{schema}");
        for field in fields {
            assert_eq!(schemas[schema]["properties"][field]["type"], "string", "{schema}.{field}");
            assert!(schemas[schema]["required"].as_array().unwrap().iter().any(|name| name == field));
        }
    }
}

#[tokio::test]
async fn no_cache_keeps_an_answer() {
    let request = Request::get("/v1/openapi.json").body(Body::empty()).unwrap();
    let answer = ask(request).await;
    assert_eq!(
        (answer.status, &answer.headers["cache-control"]),
        (StatusCode::OK, &"no-store".parse().unwrap())
    );
}
