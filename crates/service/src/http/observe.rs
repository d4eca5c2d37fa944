//! Around every request: its id, its span, one log line, its metrics, and its error written out: as a problem
//! document, or in the service's own form.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::problem::{self, Problem};
use crate::metrics::HttpMetrics;

const HEADER: &str = "x-request-id";

/// The id under which a request is found in every service's log. Handlers take it as `Extension<RequestId>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The id of the caller if it is a sane one (1 to 64 of `A-Z a-z 0-9 _ -`), else a fresh one.
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).and_then(|value| value.to_str().ok()).filter(|id| is_sane(id));
        Self(given.map_or_else(|| uuid::Uuid::new_v4().to_string(), ToOwned::to_owned))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_sane(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// How a service writes an error out: from the problem, the request's id and the request's headers it makes the
/// answer's content type and body.
pub type WriteProblem = fn(&Problem, &RequestId, &HeaderMap) -> (&'static str, String);

/// What every error is written as, unless the service says otherwise.
pub(super) fn as_problem_document(
    problem: &Problem,
    id: &RequestId,
    _: &HeaderMap,
) -> (&'static str, String) {
    (problem::CONTENT_TYPE, problem.to_json(id.as_str()))
}

/// What the middleware needs.
#[derive(Clone)]
pub(super) struct Observer {
    pub(super) metrics: HttpMetrics,
    pub(super) write: WriteProblem,
}

/// The middleware. Logs the route's pattern and never the path or query, where ids and signatures are.
pub(super) async fn observe(
    State(Observer { metrics, write }): State<Observer>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = RequestId::of(request.headers());
    let method = known_method(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    request.extensions_mut().insert(id.clone());

    let span = tracing::error_span!("request", request_id = id.as_str());
    let asked = request.headers().clone();
    let mut response = next.run(request).instrument(span.clone()).await;

    write_problem(&mut response, |problem| write(problem, &id, &asked));
    let status = response.status();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(HEADER, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Timeouts and `/ready` do not say it by themselves.
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.entry(header::RETRY_AFTER).or_insert(HeaderValue::from_static("1"));
    }

    let elapsed = began.elapsed().as_secs_f64();
    let status = status.as_u16();
    span.in_scope(|| {
        let duration_ms = (elapsed * 10_000.0).round() / 10.0;
        // The container's health check asks every two seconds: nobody wants to read that.
        if is_operation(&route) && status < 400 {
            tracing::debug!(method, route, status, duration_ms, "answered");
        } else {
            tracing::info!(method, route, status, duration_ms, "answered");
        }
    });
    metrics.observe(method, route, status, elapsed);
    response
}

fn is_operation(route: &str) -> bool {
    matches!(route, "/health" | "/ready" | "/metrics")
}

/// A fixed set, for a metric's label must not grow with what strangers send.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// Writes our own problems out, and replaces what libraries answer by themselves (404, 405, timeouts, refused
/// extractions).
fn write_problem(response: &mut Response, write: impl FnOnce(&Problem) -> (&'static str, String)) {
    let status = response.status();
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if is_foreign_error(status, response.headers()) => Problem::of_status(status),
        None => return,
    };
    let (content_type, body) = write(&problem);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, body.len().into());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    *response.body_mut() = Body::from(body);
}

/// Libraries answer with plain text or nothing; what has another type, a handler of ours has written.
fn is_foreign_error(status: StatusCode, headers: &HeaderMap) -> bool {
    let plain =
        headers.get(header::CONTENT_TYPE).is_none_or(|value| value.as_bytes().starts_with(b"text/plain"));
    (status.is_client_error() || status.is_server_error()) && plain
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{HeaderMap, Request, StatusCode};
    use axum::response::Html;
    use axum::routing::get;
    use rstest::rstest;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::{RequestId, is_sane};
    use crate::http::{wrap, wrap_with};
    use crate::{Metrics, Problem};

    async fn ask(metrics: &Metrics, request: Request<Body>) -> (StatusCode, axum::http::HeaderMap, Value) {
        async fn panics() -> &'static str {
            panic!("a secret in a panic")
        }
        let router = Router::new()
            .route("/here", get(|| async { "yes" }))
            .route("/away", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
            .route("/panic", get(panics));
        let response = wrap(router, metrics).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 10_000).await.unwrap();
        (parts.status, parts.headers, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    #[rstest]
    #[case::unknown_route("GET", "/nowhere", 404)]
    #[case::wrong_method("POST", "/here", 405)]
    #[case::panic("GET", "/panic", 500)]
    #[tokio::test]
    async fn every_error_is_a_problem_document(
        #[case] method: &str,
        #[case] path: &str,
        #[case] status: u16,
    ) {
        let request =
            Request::builder().method(method).uri(path).header("x-request-id", "r-1").body(Body::empty());
        let (answered, headers, document) = ask(&Metrics::new(), request.unwrap()).await;
        assert_eq!(answered.as_u16(), status);
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers["x-request-id"], "r-1");
        assert_eq!(document["status"], status);
        assert_eq!(document["request_id"], "r-1");
        assert!(!document.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn service_may_write_its_errors_in_its_own_form_and_by_what_was_asked() {
        fn write(problem: &Problem, id: &RequestId, asked: &HeaderMap) -> (&'static str, String) {
            let language = asked["accept-language"].to_str().unwrap();
            ("text/html; charset=utf-8", format!("<h1>{} {} {language}", problem.status(), id.as_str()))
        }
        async fn refuses() -> (StatusCode, Html<&'static str>) {
            (StatusCode::UNPROCESSABLE_ENTITY, Html("<form>"))
        }
        let router = Router::new().route("/form", get(refuses));
        let router = wrap_with(router, &Metrics::new(), write);
        for (path, body) in [("/nowhere", "<h1>404 Not Found r-1 fr"), ("/form", "<form>")] {
            let request = Request::builder().uri(path).header("x-request-id", "r-1");
            let request = request.header("accept-language", "fr").body(Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
            let bytes = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
            assert_eq!(std::str::from_utf8(&bytes).unwrap(), body);
        }
    }

    #[tokio::test]
    async fn whoever_is_told_that_we_are_away_is_told_when_to_come_back() {
        let request = Request::builder().uri("/away").body(Body::empty());
        let (status, headers, _) = ask(&Metrics::new(), request.unwrap()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(headers["retry-after"], "1");
    }

    #[tokio::test]
    async fn metrics_count_by_route_and_never_by_path() {
        let metrics = Metrics::new();
        ask(&metrics, Request::builder().uri("/here?signature=abc").body(Body::empty()).unwrap()).await;
        ask(&metrics, Request::builder().uri("/nowhere/at/all").body(Body::empty()).unwrap()).await;
        let text = metrics.encode();
        assert!(text.contains(r#"http_requests_total{method="GET",route="/here",status="200"} 1"#), "{text}");
        assert!(text.contains(r#"route="unmatched",status="404""#), "{text}");
        assert!(!text.contains("abc") && !text.contains("nowhere"), "{text}");
    }

    #[rstest]
    #[case("a1B2_-", true)]
    #[case("", false)]
    #[case("with space", false)]
    #[case("new\nline", false)]
    #[case("<b>", false)]
    fn request_id_of_the_caller_is_taken_only_when_sane(#[case] id: &str, #[case] sane: bool) {
        assert_eq!(is_sane(id), sane);
        assert!(!is_sane(&"a".repeat(65)));
    }
}
