//! Reads what is left of a refused request's body.
//!
//! A server that answers 413 and closes while the client still sends makes the kernel reset the connection; a
//! proxy in between then reports 502 and the refusal is lost. So the rest is read and thrown away, up to a
//! bound in bytes and in time.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;

/// A client that is slower than this is not waited for.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// How many bytes are read and thrown away at most.
#[derive(Clone, Copy)]
pub(super) struct Limit(pub(super) usize);

/// On an answer: what could be read of the request was read.
#[derive(Clone, Copy)]
struct Drained;

/// The middleware: whatever the handler left unread is read before its answer goes out. Around another one of its kind it
/// does what is left to do for requests that never came to that.
pub(super) async fn drain_request_body(State(limit): State<Limit>, request: Request, next: Next) -> Response {
    let waits_for_continue = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let mut shared = SharedBody(Arc::new(Mutex::new(Inner { body, polled: false, ended: false })));
    let mut response = next.run(Request::from_parts(parts, Body::new(shared.clone()))).await;

    let (polled, ended) = shared.progress();
    let was_drained = response.extensions_mut().insert(Drained).is_some();
    // Who asked first ("Expect: 100-continue") and was not told to go on has sent nothing yet.
    if ended || was_drained || (waits_for_continue && !polled) {
        return response;
    }
    let rest = async {
        let mut drained = 0;
        while let Some(Ok(frame)) = shared.frame().await {
            drained += frame.data_ref().map_or(0, Bytes::len);
            if drained > limit.0 {
                break;
            }
        }
    };
    // Either way the answer goes out now.
    let _ = tokio::time::timeout(DRAIN_WITHIN, rest).await;
    response
}

struct Inner {
    body: Body,
    polled: bool,
    ended: bool,
}

/// The request's body, still reachable after the handler dropped its half.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<Inner>>);

impl SharedBody {
    fn progress(&self) -> (bool, bool) {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.polled, inner.ended || inner.body.is_end_stream())
    }
}

impl http_body::Body for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.polled = true;
        let polled = Pin::new(&mut inner.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            inner.ended = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.progress().1
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::post;
    use tokio::time::Instant;
    use tower::ServiceExt;

    use super::*;
    use crate::http::{Bounds, bound, wrap};
    use crate::metrics::Metrics;

    const KIB: &[u8] = &[0; 1024];

    /// A body of so many KiB that counts what is read of it, and then ends or has its reader wait for ever.
    struct Counted {
        left: usize,
        ends: bool,
        read: Arc<AtomicUsize>,
    }

    impl http_body::Body for Counted {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            if self.left == 0 {
                return if self.ends { Poll::Ready(None) } else { Poll::Pending };
            }
            self.left -= 1;
            self.read.fetch_add(1, Ordering::Relaxed);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(KIB)))))
        }
    }

    fn router() -> Router {
        let routes = Router::new().route("/refused", post(|| async { StatusCode::FORBIDDEN }));
        let bounds = Bounds {
            body_bytes: 1024,
            drain_bytes: 8 * 1024,
            request: Duration::from_mins(1),
            concurrent_requests: 1,
        };
        wrap(bound(routes, bounds), &Metrics::new())
    }

    /// How many KiB were read of a body that was sent there, and how long the answer took.
    async fn sent(path: &str, kib: usize, ends: bool) -> (usize, Duration) {
        let read = Arc::new(AtomicUsize::new(0));
        let body = Body::new(Counted { left: kib, ends, read: Arc::clone(&read) });
        let start = Instant::now();
        let response = router().oneshot(Request::post(path).body(body).unwrap()).await.unwrap();
        assert!(response.status().is_client_error());
        (read.load(Ordering::Relaxed), start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_handler_left_unread_is_read() {
        assert_eq!(sent("/refused", 5, true).await.0, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_to_no_route_is_read() {
        assert_eq!(sent("/nowhere", 5, true).await.0, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_read_than_the_bound() {
        assert_eq!(sent("/refused", 100, true).await.0, 9);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_waited_for_once() {
        for path in ["/refused", "/nowhere"] {
            assert_eq!(sent(path, 1, false).await, (1, DRAIN_WITHIN));
        }
    }
}
