//! Opening an object: refused before the first byte, or chunk by chunk.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use uuid::Uuid;

use super::cipher::Cipher;
use super::layout::{self, CHUNK_BYTES, Header, SEALED_BYTES};
use crate::content::{Chunks, Pieces};
use crate::{ImageInfo, KeyId, Keys, StoreError};

/// An object whose header is known, and the key to it.
pub(super) struct Reading {
    id: Uuid,
    key: KeyId,
    cipher: Cipher,
    /// Index of the object's last chunk.
    last: u64,
}

impl Reading {
    /// Holds the header of an object against what is told of the image, and finds the key.
    pub(super) fn begin(keys: &Keys, info: &ImageInfo, header: &[u8]) -> Result<Self, StoreError> {
        let id = info.id;
        let header = Header::parse(header).ok_or(StoreError::Damaged {
            id,
            key: None,
            found: "its object does not begin like one that was encrypted here",
        })?;
        let key = keys.find(header.key).ok_or_else(|| StoreError::KeyLost {
            id,
            key: header.key,
            held: keys.to_string(),
        })?;
        if header.size_bytes != info.size_bytes {
            let found = "its object is not as long as the one that was put";
            return Err(StoreError::Damaged { id, key: Some(key.id), found });
        }
        let cipher = Cipher::new(key, &header, id);
        Ok(Self { id, key: key.id, cipher, last: layout::last_chunk(header.size_bytes) })
    }

    /// Indices of the chunks that a range of the content is in. Of an empty range it is one chunk all the same, so that
    /// nothing is ever answered of an object of which nothing was verified.
    fn chunks(&self, range: &Range<u64>) -> Range<u64> {
        let first = (range.start / CHUNK_BYTES as u64).min(self.last);
        let last = (range.end.saturating_sub(1) / CHUNK_BYTES as u64).clamp(first, self.last);
        first..last + 1
    }

    /// The bytes of the object that a range of the content is in.
    pub(super) fn object_range(&self, range: &Range<u64>) -> Range<u64> {
        let chunks = self.chunks(range);
        layout::chunk_at(chunks.start)..layout::chunk_at(chunks.end)
    }

    /// A range of the content, from `pieces` of the object that begin with the first chunk of the range. That chunk is
    /// opened before this answers.
    pub(super) async fn content(self, mut pieces: Pieces, range: Range<u64>) -> Result<Chunks, StoreError> {
        let chunks = self.chunks(&range);
        let first = self.open(&mut pieces, chunks.start, &range).await?;
        let state = (self, pieces, chunks.start + 1);
        let others = stream::try_unfold(state, move |(reading, mut pieces, index)| {
            let (range, end) = (range.clone(), chunks.end);
            async move {
                if index == end {
                    return Ok(None);
                }
                let chunk = reading.open(&mut pieces, index, &range).await?;
                Ok(Some((chunk, (reading, pieces, index + 1))))
            }
        });
        Ok(stream::iter([Ok(first)]).chain(others).boxed())
    }

    /// What a range has of the chunk `index`, which is the next of `pieces`.
    async fn open(&self, pieces: &mut Pieces, index: u64, range: &Range<u64>) -> Result<Bytes, StoreError> {
        let damaged = |found| StoreError::Damaged { id: self.id, key: Some(self.key), found };
        let mut chunk = pieces.next(SEALED_BYTES).await?;
        let found = "its bytes are not those that were put, or they are another image's";
        self.cipher.open(index, index == self.last, &mut chunk).map_err(|_| damaged(found))?;
        let begins = index * CHUNK_BYTES as u64;
        let [start, end] = [range.start, range.end].map(|place| {
            let place = usize::try_from(place.saturating_sub(begins)).unwrap_or(usize::MAX);
            place.min(chunk.len())
        });
        Ok(Bytes::from(chunk).slice(start..end.max(start)))
    }
}
