//! Bytes on their way into a store: how many there will be, and the chunks they come in.

use bytes::{Buf, Bytes};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::StoreError;

/// Bytes in chunks of any length. After an error nothing more comes.
pub type Chunks = BoxStream<'static, Result<Bytes, StoreError>>;

/// What is to be put.
pub struct Content {
    /// How many bytes the chunks have in all.
    pub size_bytes: u64,
    /// The bytes themselves.
    pub chunks: Chunks,
}

impl Content {
    /// The chunks of `id`'s content, which end in an error where they are not as long in all as was said.
    pub(crate) fn counted(self, id: Uuid) -> Chunks {
        let promised = self.size_bytes;
        let state = (self.chunks, 0_u64);
        stream::try_unfold(state, move |(mut chunks, came)| async move {
            let chunk = chunks.try_next().await?;
            let came = came + chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
            // Too many are refused at once, too few at the end.
            if came > promised || (chunk.is_none() && came < promised) {
                return Err(StoreError::Miscounted { id, promised, came });
            }
            Ok(chunk.map(|chunk| (chunk, (chunks, came))))
        })
        .boxed()
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self { size_bytes: bytes.len() as u64, chunks: stream::iter([Ok(bytes)]).boxed() }
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("size_bytes", &self.size_bytes).finish_non_exhaustive()
    }
}

/// Cuts chunks of any length into pieces of a wanted one, with no more than one chunk and one piece in memory.
pub(crate) struct Pieces {
    chunks: Chunks,
    /// What is left of the chunk that was read last.
    rest: Bytes,
}

impl Pieces {
    pub(crate) fn of(chunks: Chunks) -> Self {
        Self { chunks, rest: Bytes::new() }
    }

    /// The next `wanted` bytes; fewer where the chunks end.
    pub(crate) async fn next(&mut self, wanted: usize) -> Result<Vec<u8>, StoreError> {
        let mut piece = Vec::with_capacity(wanted);
        while piece.len() < wanted {
            if self.rest.is_empty() {
                match self.chunks.try_next().await? {
                    Some(chunk) => self.rest = chunk,
                    None => break,
                }
            }
            let take = self.rest.len().min(wanted - piece.len());
            piece.extend_from_slice(&self.rest[..take]);
            self.rest.advance(take);
        }
        Ok(piece)
    }
}
