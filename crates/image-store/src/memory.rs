//! The memory backend, for tests only: a map, and a switch that takes the store away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Answer, ImageInfo, ImageStore, StoreError, StoredImage};

type Images = HashMap<Uuid, (OffsetDateTime, Bytes)>;

/// Images in memory, gone with the process.
#[derive(Debug, Default)]
pub struct Memory {
    images: Mutex<Images>,
    away: AtomicBool,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
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

fn info(id: Uuid, (created_at, content): &(OffsetDateTime, Bytes)) -> ImageInfo {
    ImageInfo { id, size_bytes: content.len() as u64, created_at: *created_at }
}

impl ImageStore for Memory {
    fn put(&self, id: Uuid, content: Bytes) -> Answer<'_, ()> {
        self.answer(move |images| drop(images.insert(id, (OffsetDateTime::now_utc(), content))))
    }

    fn get(&self, id: Uuid) -> Answer<'_, Option<StoredImage>> {
        self.answer(move |images| {
            images.get(&id).map(|image| StoredImage {
                info: info(id, image),
                content: stream::iter([Ok(image.1.clone())]).boxed(),
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
        store.put(id, Bytes::from_static(b"image")).await.unwrap();
        store.set_away(true);
        assert!(matches!(store.delete(id).await, Err(StoreError::Away)));
        assert!(matches!(store.check().await, Err(StoreError::Away)));
        store.set_away(false);
        assert!(store.head(id).await.unwrap().is_some());
    }
}
