//! The memory backend, for tests only: a map, and a switch that takes the store away.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Answer, Content, ImageInfo, ImageStore, StoreError, StoredImage};

type Images = HashMap<Uuid, (OffsetDateTime, Bytes)>;

/// Images in memory, gone with the process. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Memory {
    images: Arc<Mutex<Images>>,
    away: Arc<AtomicBool>,
    room_bytes: Arc<AtomicUsize>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            images: Arc::default(),
            away: Arc::default(),
            room_bytes: Arc::new(AtomicUsize::new(usize::MAX)),
        }
    }

    /// From now on an object of more bytes does not fit: putting it fails with [`StoreError::Full`] half way.
    pub fn set_room(&self, bytes: usize) {
        self.room_bytes.store(bytes, Ordering::SeqCst);
    }

    /// While away, every operation fails with [`StoreError::Away`] and changes nothing.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn images(&self) -> Result<MutexGuard<'_, Images>, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Away);
        }
        Ok(self.images.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer<'a, T: Send + 'a>(&'a self, work: impl FnOnce(&mut Images) -> T) -> Answer<'a, T> {
        let answer = self.images().map(|mut images| work(&mut images));
        Box::pin(async move { answer })
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

fn info(id: Uuid, (created_at, content): &(OffsetDateTime, Bytes)) -> ImageInfo {
    ImageInfo { id, size_bytes: content.len() as u64, created_at: *created_at }
}

impl ImageStore for Memory {
    fn put(&self, id: Uuid, content: Content) -> Answer<'_, ()> {
        Box::pin(async move {
            drop(self.images()?);
            let mut chunks = content.counted(id);
            let mut whole = Vec::new();
            while let Some(chunk) = chunks.try_next().await? {
                whole.extend_from_slice(&chunk);
                if whole.len() > self.room_bytes.load(Ordering::SeqCst) {
                    return Err(StoreError::from_io(
                        Path::new("memory"),
                        "write an image",
                        io::ErrorKind::StorageFull.into(),
                    ));
                }
            }
            self.images()?.insert(id, (OffsetDateTime::now_utc(), whole.into()));
            Ok(())
        })
    }

    fn get(&self, id: Uuid) -> Answer<'_, Option<StoredImage>> {
        self.get_range(id, 0..u64::MAX)
    }

    fn get_range(&self, id: Uuid, range: Range<u64>) -> Answer<'_, Option<StoredImage>> {
        self.answer(move |images| {
            images.get(&id).map(|image| {
                let [start, end] = [range.start, range.end]
                    .map(|place| usize::try_from(place).unwrap_or(usize::MAX).min(image.1.len()));
                let content = image.1.slice(start..end.max(start));
                StoredImage { info: info(id, image), content: stream::iter([Ok(content)]).boxed() }
            })
        })
    }

    fn head(&self, id: Uuid) -> Answer<'_, Option<ImageInfo>> {
        self.answer(move |images| images.get(&id).map(|image| info(id, image)))
    }

    fn delete(&self, id: Uuid) -> Answer<'_, bool> {
        self.answer(move |images| images.remove(&id).is_some())
    }

    fn list(&self) -> BoxStream<'_, Result<ImageInfo, StoreError>> {
        match self.images() {
            Ok(images) => {
                let all: Vec<_> = images.iter().map(|(id, image)| Ok(info(*id, image))).collect();
                stream::iter(all).boxed()
            }
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn check(&self) -> Answer<'_, ()> {
        self.answer(|_| ())
    }

    fn clean_leftovers(&self, _age: Duration) -> Answer<'_, usize> {
        self.answer(|_| 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn store_that_is_away_fails_and_keeps_what_it_had() {
        let store = Memory::new();
        let id = Uuid::new_v4();
        store.put(id, Bytes::from_static(b"image").into()).await.unwrap();
        store.set_away(true);
        assert!(matches!(store.delete(id).await, Err(StoreError::Away)));
        assert!(matches!(store.check().await, Err(StoreError::Away)));
        store.set_away(false);
        assert!(store.head(id).await.unwrap().is_some());
    }
}
