//! A stream holds a chunk or two, whatever its length.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Chunks of 10 000 bytes, and how many of them were taken.
fn counted_source(chunks: usize) -> (Chunks, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let source = stream::iter(0..chunks).map(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Bytes::from(vec![7; 10_000]))
    });
    (source.boxed(), taken)
}

#[tokio::test]
async fn put_takes_no_more_from_its_source_than_the_chunk_that_is_sealed() {
    let store = store(KEY);
    let (chunks, taken) = counted_source(100);
    let content = Content { size_bytes: 1_000_000, chunks };
    let header = Header::fresh(store.keys.first().id, content.size_bytes);
    let cipher = Cipher::new(store.keys.first(), &header, ID);
    let mut sealed = sealed(ID, &header, cipher, content);
    sealed.try_next().await.unwrap();
    assert_eq!(taken.load(Ordering::SeqCst), 0, "the header needs nothing of the content");
    for chunk in 1..=5 {
        sealed.try_next().await.unwrap();
        assert_eq!(taken.load(Ordering::SeqCst), (chunk * CHUNK_BYTES).div_ceil(10_000));
    }
}

#[tokio::test]
async fn get_takes_no_more_from_the_backend_than_the_chunk_that_is_opened() {
    let store = store(KEY);
    store.put(ID, picture(1_000_000).into()).await.unwrap();
    let object = object(&store, ID).await;
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let parts: Vec<Bytes> = object.chunks(10_000).map(Bytes::copy_from_slice).collect();
    let content = stream::iter(parts).map(move |part| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(part)
    });
    let info = store.inner.head(ID).await.unwrap().unwrap();
    let mut image = store.open(StoredImage { info, content: content.boxed() }).await.unwrap();
    for chunk in 1..=5 {
        image.content.try_next().await.unwrap();
        assert_eq!(taken.load(Ordering::SeqCst), at(chunk).div_ceil(10_000));
    }
}

#[tokio::test]
async fn range_takes_only_the_chunks_that_it_is_in() {
    let store = store(KEY);
    let put = picture(10 * CHUNK_BYTES);
    store.put(ID, put.clone().into()).await.unwrap();
    // All other chunks are gone, and nobody notices.
    let mut holes = object(&store, ID).await.to_vec();
    holes[at(0)..at(3)].fill(0);
    holes[at(5)..].fill(0);
    place(&store, ID, holes).await;
    let range = 3 * CHUNK_BYTES + 100..5 * CHUNK_BYTES;
    let part = store.get_range(ID, range.start as u64..range.end as u64).await.unwrap().unwrap();
    assert_eq!(part.into_bytes().await.unwrap(), put[range]);
}
