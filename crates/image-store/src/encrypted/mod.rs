//! Encryption at rest: a layer over any backend, which sees sealed bytes only.
//!
//! Chunk by chunk in both directions, so that a stream costs memory for two chunks, whatever its length. Before anything
//! is answered, the length of the object is held against its header and its first chunk is opened, which proves header,
//! id and key; so what is wrong from the start is known before the head of an HTTP answer is sent.

mod cipher;
mod layout;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::content::{Chunks, Pieces};
use crate::{Answer, Content, ImageInfo, ImageStore, Keys, StoreError, StoredImage};
use cipher::Cipher;
use layout::{CHUNK_BYTES, Header};
use read::Reading;

/// Images encrypted in another store.
pub struct Encrypted<S> {
    inner: S,
    keys: Keys,
}

impl<S: ImageStore> Encrypted<S> {
    /// A layer over `inner`, which writes with the first of `keys` and reads with all of them.
    pub fn over(inner: S, keys: Keys) -> Self {
        Self { inner, keys }
    }

    /// The image whose object is `object`, read from its first byte.
    async fn open(&self, object: StoredImage) -> Result<StoredImage, StoreError> {
        let info = told(object.info);
        let mut pieces = Pieces::of(object.content);
        let header = pieces.next(Header::BYTES).await?;
        let reading = Reading::begin(&self.keys, &info, &header)?;
        let content = reading.content(pieces, 0..info.size_bytes).await?;
        Ok(StoredImage { info, content })
    }

    /// A part of the image whose object begins with `header`. None where it was deleted since.
    async fn open_range(
        &self,
        info: ImageInfo,
        header: &[u8],
        range: &Range<u64>,
    ) -> Result<Option<StoredImage>, StoreError> {
        let reading = Reading::begin(&self.keys, &info, header)?;
        let [start, end] = [range.start, range.end].map(|place| place.min(info.size_bytes));
        let range = start..end.max(start);
        let Some(object) = self.inner.get_range(info.id, reading.object_range(&range)).await? else {
            return Ok(None);
        };
        let content = reading.content(Pieces::of(object.content), range).await?;
        Ok(Some(StoredImage { info, content }))
    }
}

/// What is told of an image, from what is known of its object.
fn told(object: ImageInfo) -> ImageInfo {
    ImageInfo { size_bytes: layout::content_bytes(object.size_bytes), ..object }
}

/// The bytes of an object, from those of its content.
fn sealed(id: Uuid, header: &Header, cipher: Cipher, content: Content) -> Chunks {
    let last = layout::last_chunk(header.size_bytes);
    let state = (Pieces::of(content.counted(id)), cipher, 0_u64);
    let body = stream::try_unfold(state, move |(mut pieces, cipher, index)| async move {
        let mut chunk = pieces.next(CHUNK_BYTES).await?;
        if index > last {
            return Ok(None);
        }
        cipher
            .seal(index, index == last, &mut chunk)
            .unwrap_or_else(|_| unreachable!("nobody has come with 256 TiB"));
        Ok(Some((Bytes::from(chunk), (pieces, cipher, index + 1))))
    });
    stream::iter([Ok(Bytes::copy_from_slice(&header.to_bytes()))]).chain(body).boxed()
}

impl<S: ImageStore> ImageStore for Encrypted<S> {
    fn put(&self, id: Uuid, content: Content) -> Answer<'_, ()> {
        let key = self.keys.first();
        let header = Header::fresh(key.id, content.size_bytes);
        let cipher = Cipher::new(key, &header, id);
        let size_bytes = layout::object_bytes(content.size_bytes);
        self.inner.put(id, Content { size_bytes, chunks: sealed(id, &header, cipher, content) })
    }

    fn get(&self, id: Uuid) -> Answer<'_, Option<StoredImage>> {
        Box::pin(async move {
            match self.inner.get(id).await? {
                Some(object) => Ok(Some(self.open(object).await?)),
                None => Ok(None),
            }
        })
    }

    fn get_range(&self, id: Uuid, range: Range<u64>) -> Answer<'_, Option<StoredImage>> {
        Box::pin(async move {
            let mut seen = None;
            loop {
                let Some(object) = self.inner.get_range(id, 0..Header::BYTES as u64).await? else {
                    return Ok(None);
                };
                let header = Pieces::of(object.content).next(Header::BYTES).await?;
                match self.open_range(told(object.info), &header, &range).await {
                    // Header and chunks are read one after the other. It was another's chunk if the header is another
                    // by now; if it is the same, the image is damaged.
                    Err(StoreError::Damaged { .. }) if seen.as_ref() != Some(&header) => seen = Some(header),
                    opened => return opened,
                }
            }
        })
    }

    fn head(&self, id: Uuid) -> Answer<'_, Option<ImageInfo>> {
        Box::pin(async move { Ok(self.inner.head(id).await?.map(told)) })
    }

    fn delete(&self, id: Uuid) -> Answer<'_, bool> {
        self.inner.delete(id)
    }

    fn list(&self) -> BoxStream<'_, Result<ImageInfo, StoreError>> {
        self.inner.list().map_ok(told).boxed()
    }

    fn check(&self) -> Answer<'_, ()> {
        self.inner.check()
    }

    fn clean_leftovers(&self, age: Duration) -> Answer<'_, usize> {
        self.inner.clean_leftovers(age)
    }
}

impl<S: fmt::Debug> fmt::Debug for Encrypted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").field("inner", &self.inner).field("keys", &self.keys).finish()
    }
}
