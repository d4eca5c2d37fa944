//! The S3 backend: one bucket, one object per image, its id for a key.
//!
//! It keeps bytes as they come and verifies nothing: that is what the encryption above it does.
//!
//! An object appears in a bucket whole or not at all. What fits into a part is put by one request, once all of it has
//! come; what is longer is a multipart upload, which is seen when it is completed. Nobody sees an upload that was left half
//! way, and [`ImageStore::clean_leftovers`] aborts it.

mod config;
mod connection;
mod direct;
mod error;
mod leftovers;
mod listing;
mod remote;
#[cfg(test)]
mod tests;
mod upload;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http::{HeaderMap, Response, StatusCode, header};
use hyper::body::Incoming;
use rusty_s3::actions::{DeleteObject, GetObject, HeadObject, PutObject};
use uuid::Uuid;

use crate::content::Pieces;
use crate::{Answer, Content, ImageInfo, ImageStore, StoreError, StoredImage};

pub use config::{Endpoint, S3Config, S3ConfigError};
pub use direct::DirectLinks;
pub use error::S3Error;

use connection::Timeouts;
use remote::{Remote, moment};
use upload::Upload;

/// How much of an image is in memory at once while it is put. S3 takes no shorter parts but the last.
const PART_BYTES: usize = 5 * 1024 * 1024;
/// S3 takes no more parts than that.
const PARTS_MAX: u64 = 10_000;
/// Keys of probe objects begin with this; those of images are ids.
const PROBES: &str = "probe/";

/// Images as objects of one bucket. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct S3 {
    remote: Arc<Remote>,
}

impl S3 {
    /// A store in a bucket, to which nothing connects yet.
    pub(crate) fn new(config: &S3Config) -> Self {
        Self::waiting(config, Timeouts::default())
    }

    fn waiting(config: &S3Config, timeouts: Timeouts) -> Self {
        Self { remote: Arc::new(Remote::new(config, timeouts)) }
    }

    async fn put_content(&self, id: Uuid, content: Content) -> Result<(), StoreError> {
        let key = id.to_string();
        let size_bytes = content.size_bytes;
        let mut pieces = Pieces::of(content.counted(id));
        if size_bytes > PART_BYTES as u64 {
            let upload = Upload::begin(&self.remote, key).await?;
            return upload.put(pieces, part_bytes(size_bytes)).await;
        }
        // Asking for one byte more than there is makes sure that there are no fewer and no more.
        let whole = pieces.next(usize::try_from(size_bytes).unwrap_or(PART_BYTES) + 1).await?;
        Ok(self.put_whole(&key, whole.into()).await?)
    }

    async fn put_whole(&self, key: &str, whole: Bytes) -> Result<(), S3Error> {
        const OPERATION: &str = "put an object";
        let remote = &self.remote;
        let put = PutObject::new(&remote.bucket, Some(&remote.credentials), key);
        let answer = remote.ask(&remote.write(OPERATION, &put, whole)).await?;
        remote.document(OPERATION, answer).await.map(drop)
    }

    /// The answer to GET, or none where there is no such object.
    async fn fetch(&self, key: &str, range: Option<String>) -> Result<Option<Response<Incoming>>, S3Error> {
        let remote = &self.remote;
        let get = GetObject::new(&remote.bucket, Some(&remote.credentials), key);
        let mut ask = remote.look("get an object", &get);
        ask.range = range;
        match remote.ask(&ask).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_no_such_key() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn get_part(&self, id: Uuid, range: Range<u64>) -> Result<Option<StoredImage>, StoreError> {
        const OPERATION: &str = "get an object";
        if range.is_empty() {
            return self.get_nothing(id).await;
        }
        let asked = range_header(&range);
        let ranged = asked.is_some();
        let answer = match self.fetch(&id.to_string(), asked).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(None),
            Err(error) if error.is_out_of_range() => return self.get_nothing(id).await,
            Err(error) => return Err(error.into()),
        };
        if ranged && answer.status() != StatusCode::PARTIAL_CONTENT {
            return Err(self.remote.unintelligible(OPERATION, "the whole object in place of a range").into());
        }
        let info = self.info(OPERATION, id, answer.headers())?;
        let content = Arc::clone(&self.remote).chunks(OPERATION, answer.into_body());
        Ok(Some(StoredImage { info, content }))
    }

    /// An image of which no byte was asked for.
    async fn get_nothing(&self, id: Uuid) -> Result<Option<StoredImage>, StoreError> {
        let info = self.head_object(id).await?;
        Ok(info.map(|info| StoredImage { info, content: stream::empty().boxed() }))
    }

    async fn head_object(&self, id: Uuid) -> Result<Option<ImageInfo>, S3Error> {
        const OPERATION: &str = "look at an object";
        let (remote, key) = (&self.remote, id.to_string());
        let head = HeadObject::new(&remote.bucket, Some(&remote.credentials), &key);
        match remote.ask(&remote.look(OPERATION, &head)).await {
            Ok(answer) => Ok(Some(self.info(OPERATION, id, answer.headers())?)),
            // An answer to HEAD has no body, so it does not tell whether the object is missing or the bucket is.
            Err(error) if error.is_answer() => match self.fetch(&key, None).await? {
                Some(answer) => Ok(Some(self.info(OPERATION, id, answer.headers())?)),
                None => Ok(None),
            },
            Err(error) => Err(error),
        }
    }

    /// S3 does not tell whether there was anything to delete.
    async fn delete_object(&self, id: Uuid) -> Result<bool, S3Error> {
        if self.head_object(id).await?.is_none() {
            return Ok(false);
        }
        self.delete_key(&id.to_string()).await?;
        Ok(true)
    }

    async fn delete_key(&self, key: &str) -> Result<(), S3Error> {
        let remote = &self.remote;
        let delete = DeleteObject::new(&remote.bucket, Some(&remote.credentials), key);
        remote.ask(&remote.look("delete an object", &delete)).await.map(drop)
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let probe = Uuid::new_v4();
        let key = format!("{PROBES}{probe}");
        let content = Bytes::copy_from_slice(probe.as_bytes());
        self.put_whole(&key, content.clone()).await?;
        let read = match self.fetch(&key, None).await? {
            Some(answer) => {
                let chunks = Arc::clone(&self.remote).chunks("read back a probe", answer.into_body());
                Pieces::of(chunks).next(content.len() + 1).await?
            }
            None => Vec::new(),
        };
        self.delete_key(&key).await?;
        if read == content { Ok(()) } else { Err(StoreError::ProbeDiffers) }
    }

    fn info(&self, operation: &'static str, id: Uuid, headers: &HeaderMap) -> Result<ImageInfo, S3Error> {
        let told = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        // Of a part, the length of the whole is behind the slash of `bytes 0-99/1234`.
        let size = told(header::CONTENT_RANGE)
            .and_then(|range| range.rsplit_once('/'))
            .map(|(_, whole)| whole)
            .or_else(|| told(header::CONTENT_LENGTH));
        let size_bytes = size
            .and_then(|size| size.parse().ok())
            .ok_or_else(|| self.remote.unintelligible(operation, "an object without a length"))?;
        let created_at = moment(headers, header::LAST_MODIFIED)
            .ok_or_else(|| self.remote.unintelligible(operation, "an object without a time"))?;
        Ok(ImageInfo { id, size_bytes, created_at })
    }
}

/// The value of the header `Range` for some bytes, at least one; none where all are asked for.
fn range_header(range: &Range<u64>) -> Option<String> {
    match (range.start, range.end) {
        (0, u64::MAX) => None,
        (start, u64::MAX) => Some(format!("bytes={start}-")),
        (start, end) => Some(format!("bytes={start}-{}", end - 1)),
    }
}

/// As long as all parts but the last of an object of that length are.
fn part_bytes(size_bytes: u64) -> usize {
    usize::try_from(size_bytes.div_ceil(PARTS_MAX)).map_or(PART_BYTES, |least| least.max(PART_BYTES))
}

impl ImageStore for S3 {
    fn put(&self, id: Uuid, content: Content) -> Answer<'_, ()> {
        Box::pin(self.put_content(id, content))
    }

    fn get(&self, id: Uuid) -> Answer<'_, Option<StoredImage>> {
        self.get_range(id, 0..u64::MAX)
    }

    fn get_range(&self, id: Uuid, range: Range<u64>) -> Answer<'_, Option<StoredImage>> {
        Box::pin(self.get_part(id, range))
    }

    fn head(&self, id: Uuid) -> Answer<'_, Option<ImageInfo>> {
        Box::pin(async move { Ok(self.head_object(id).await?) })
    }

    fn delete(&self, id: Uuid) -> Answer<'_, bool> {
        Box::pin(async move { Ok(self.delete_object(id).await?) })
    }

    fn list(&self) -> BoxStream<'_, Result<ImageInfo, StoreError>> {
        self.list_images()
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(self.probe())
    }

    fn clean_leftovers(&self, age: Duration) -> Answer<'_, usize> {
        Box::pin(async move { Ok(self.remove_leftovers(age).await?) })
    }
}
