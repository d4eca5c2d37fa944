//! One request to an S3 store: signed, bounded in time, repeated once where that is safe, its refusal understood.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rusty_s3::{Bucket, Credentials, S3Action};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

use super::config::S3Config;
use super::connection::{self, Connections, Timeouts};
use super::error::{Place, Refusal, S3Error, Trouble};
use crate::StoreError;
use crate::content::Chunks;

/// How far our clock and the store's may be apart: what S3 allows, too.
const CLOCKS_APART: Duration = Duration::from_mins(15);
/// A document of S3 is no longer: a page of a listing has 1000 entries of some hundred bytes.
const DOCUMENT_BYTES: usize = 4 * 1024 * 1024;
/// Before a request is repeated, which happens once: a store that comes back from a restart gets a moment.
const PAUSE: Duration = Duration::from_millis(100);

/// A store that is spoken to over the network.
pub(super) struct Remote {
    pub(super) bucket: Bucket,
    pub(super) credentials: Credentials,
    pub(super) timeouts: Timeouts,
    place: Arc<Place>,
    connections: Connections,
}

/// Something to ask for.
pub(super) struct Ask {
    pub(super) operation: &'static str,
    pub(super) method: Method,
    /// Signed.
    pub(super) url: Url,
    /// Value of the header `Range`.
    pub(super) range: Option<String>,
    pub(super) body: Bytes,
    /// Until the head of the answer.
    pub(super) within: Duration,
    /// Whether it does no harm when it is done twice.
    pub(super) repeatable: bool,
}

impl Remote {
    pub(super) fn new(config: &S3Config, timeouts: Timeouts) -> Self {
        Self {
            bucket: config.bucket.clone(),
            credentials: config.credentials.clone(),
            timeouts,
            place: Arc::new(config.place()),
            connections: connection::connections(config.endpoint.is_tls(), timeouts),
        }
    }

    /// Something that looks or deletes: without a body, and safe to repeat.
    pub(super) fn look<'a, A: S3Action<'a>>(&self, operation: &'static str, action: &A) -> Ask {
        Ask {
            operation,
            method: method::<A>(),
            url: action.sign(CLOCKS_APART),
            range: None,
            body: Bytes::new(),
            within: self.timeouts.answer,
            repeatable: true,
        }
    }

    /// Something that writes `body`.
    pub(super) fn write<'a, A: S3Action<'a>>(&self, operation: &'static str, action: &A, body: Bytes) -> Ask {
        Ask { body, within: self.timeouts.written, ..self.look(operation, action) }
    }

    pub(super) fn error(&self, operation: &'static str, trouble: Trouble) -> S3Error {
        S3Error { place: Arc::clone(&self.place), operation, trouble: Box::new(trouble) }
    }

    pub(super) fn unintelligible(&self, operation: &'static str, found: &'static str) -> S3Error {
        self.error(operation, Trouble::Unintelligible { found })
    }

    /// Asks, and answers with a success or an error.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Response<Incoming>, S3Error> {
        match self.once(ask).await {
            Err(error) if ask.repeatable && error.is_passing() => {
                tokio::time::sleep(PAUSE).await;
                self.once(ask).await
            }
            answer => answer,
        }
    }

    async fn once(&self, ask: &Ask) -> Result<Response<Incoming>, S3Error> {
        let mut request = Request::builder().method(&ask.method).uri(ask.url.as_str());
        if let Some(range) = &ask.range {
            request = request.header(header::RANGE, range);
        }
        let request = request
            .body(Full::new(ask.body.clone()))
            .map_err(|_| self.unintelligible(ask.operation, "no request can be made of its address"))?;
        let answer = match tokio::time::timeout(ask.within, self.connections.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                return Err(self.error(ask.operation, connection::trouble(&error, error.is_connect())));
            }
            Err(_) => return Err(self.error(ask.operation, Trouble::Slow { waited: ask.within })),
        };
        if answer.status().is_success() { Ok(answer) } else { Err(self.refused(ask.operation, answer).await) }
    }

    async fn refused(&self, operation: &'static str, answer: Response<Incoming>) -> S3Error {
        let (head, body) = answer.into_parts();
        let document = match self.collected(operation, body).await {
            Ok(document) => document,
            Err(error) => return error,
        };
        let date = head.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let refusal = Refusal { status: head.status, date, document: &document };
        self.error(operation, refusal.trouble(&self.place.region, OffsetDateTime::now_utc()))
    }

    /// The document in the body of an answer.
    pub(super) async fn document(
        &self,
        operation: &'static str,
        answer: Response<Incoming>,
    ) -> Result<String, S3Error> {
        let document = self.collected(operation, answer.into_body()).await?;
        // Completing an upload is answered with 200 before it is known how it ends.
        if document.contains("<Error>") {
            let refusal = Refusal { status: StatusCode::OK, date: None, document: &document };
            let trouble = refusal.trouble(&self.place.region, OffsetDateTime::now_utc());
            return Err(self.error(operation, trouble));
        }
        Ok(document)
    }

    async fn collected(&self, operation: &'static str, mut body: Incoming) -> Result<String, S3Error> {
        let mut document = Vec::new();
        while let Some(chunk) = self.chunk(operation, &mut body).await? {
            if document.len() + chunk.len() > DOCUMENT_BYTES {
                return Err(self.unintelligible(operation, "a document that does not end"));
            }
            document.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8_lossy(&document).into_owned())
    }

    /// The next chunk of a body; none at its end, and an error where it ends early.
    async fn chunk(&self, operation: &'static str, body: &mut Incoming) -> Result<Option<Bytes>, S3Error> {
        loop {
            let waited = self.timeouts.chunk;
            match tokio::time::timeout(waited, body.frame()).await {
                Err(_) => return Err(self.error(operation, Trouble::Slow { waited })),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    return Err(self.error(operation, connection::trouble(&error, false)));
                }
                Ok(Some(Ok(frame))) => {
                    if let Ok(chunk) = frame.into_data() {
                        return Ok(Some(chunk));
                    }
                }
            }
        }
    }

    /// The body of an answer as it comes.
    pub(super) fn chunks(self: Arc<Self>, operation: &'static str, body: Incoming) -> Chunks {
        stream::try_unfold((self, body), move |(remote, mut body)| async move {
            let chunk = remote.chunk(operation, &mut body).await?;
            Ok::<_, StoreError>(chunk.map(|chunk| (chunk, (remote, body))))
        })
        .boxed()
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Remote").field(&self.place).finish()
    }
}

fn method<'a, A: S3Action<'a>>() -> Method {
    match A::METHOD {
        rusty_s3::Method::Head => Method::HEAD,
        rusty_s3::Method::Get => Method::GET,
        rusty_s3::Method::Post => Method::POST,
        rusty_s3::Method::Put => Method::PUT,
        rusty_s3::Method::Delete => Method::DELETE,
    }
}

/// A moment in a header, such as `Last-Modified`: whole seconds.
pub(super) fn moment(headers: &HeaderMap, name: header::HeaderName) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(headers.get(name)?.to_str().ok()?, &Rfc2822).ok()
}
