//! The store for processed outputs: a small trait, a backend per place, and one layer over any of them that encrypts.
//!
//! The store keeps bytes under an id and knows nothing of how long they may live: the rows in Postgres do,
//! and the worker's sweeper drives deletion by them. Every backend passes the same contract suite, bare and encrypted.
//! Services get the encrypted store only, unless people are to be sent straight to an S3 store.

mod backend;
mod content;
#[cfg(test)]
mod contract;
mod encrypted;
mod error;
mod filesystem;
mod keys;
#[cfg(any(test, feature = "testing"))]
mod memory;
#[cfg(test)]
mod overhead;
mod s3;
#[cfg(test)]
mod test_garage;

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use time::OffsetDateTime;
use uuid::Uuid;

pub use backend::Backend;
pub use content::{Chunks, Content};
pub use encrypted::Encrypted;
pub use error::StoreError;
pub use keys::{KEY_MIN_BYTES, KeyId, KeyLines, Keys, KeysError};
#[cfg(any(test, feature = "testing"))]
pub use memory::Memory;
pub use s3::{DirectLinks, Endpoint, S3Config, S3ConfigError, S3Error};

/// What a backend answers: a boxed future, so that the trait can be used as `dyn ImageStore`.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A place that keeps images by id.
///
/// Every operation is atomic for its readers: an image is there whole or not at all.
pub trait ImageStore: std::fmt::Debug + Send + Sync {
    /// Keeps `content` under `id`, durably, in place of whatever was there. When the content ends in an error, or
    /// nobody waits for the answer any more, what was there stays.
    fn put(&self, id: Uuid, content: Content) -> Answer<'_, ()>;

    /// The image under `id` as a stream, or `None` when there is none.
    ///
    /// The encrypted store verifies: the first chunk before it answers, each further one before it hands it on. A
    /// damaged image ends in [`StoreError::Damaged`], and no byte that was not put is ever handed on.
    fn get(&self, id: Uuid) -> Answer<'_, Option<StoredImage>>;

    /// Like `get`, but of the content only those bytes that are in `range`, which may be none. What is told of the image
    /// is of the whole of it.
    fn get_range(&self, id: Uuid, range: Range<u64>) -> Answer<'_, Option<StoredImage>>;

    /// What is known of the image under `id` without reading it, or `None` when there is none.
    fn head(&self, id: Uuid) -> Answer<'_, Option<ImageInfo>>;

    /// Removes the image under `id`. `false` when there was none: deleting twice is no error.
    fn delete(&self, id: Uuid) -> Answer<'_, bool>;

    /// Every image, in no order. Images put or deleted meanwhile may or may not be listed.
    fn list(&self) -> BoxStream<'_, Result<ImageInfo, StoreError>>;

    /// Writes, reads back and deletes a probe object: the truth about whether the store works right now.
    fn check(&self) -> Answer<'_, ()>;

    /// Removes what a crash left behind between write and publication, if older than `age`, and says how many.
    fn clean_leftovers(&self, age: Duration) -> Answer<'_, usize>;
}

/// What the store knows of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageInfo {
    /// The id it was put under.
    pub id: Uuid,
    /// Length of the content in bytes.
    pub size_bytes: u64,
    /// When it was put, by the clock of the store.
    pub created_at: OffsetDateTime,
}

/// An image on its way out of the store.
pub struct StoredImage {
    /// What is known before the first byte is read.
    pub info: ImageInfo,
    /// The content in chunks: all that was asked for, unless it ends in an error.
    pub content: Chunks,
}

impl StoredImage {
    /// Reads the whole content into memory.
    pub async fn into_bytes(self) -> Result<Bytes, StoreError> {
        use futures::TryStreamExt;
        let whole = self
            .content
            .try_fold(Vec::new(), |mut whole, chunk| async move {
                whole.extend_from_slice(&chunk);
                Ok(whole)
            })
            .await?;
        Ok(Bytes::from(whole))
    }
}

impl std::fmt::Debug for StoredImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredImage").field("info", &self.info).finish_non_exhaustive()
    }
}
