//! Uploads in parts: nothing is seen before the last request, and what is given up goes.

use std::sync::Arc;

use futures::stream;

use super::*;

/// Waits until as many uploads are under way.
async fn until_there_are(store: &S3, expected: usize) {
    let mut last = usize::MAX;
    for _ in 0..400 {
        last = store.uploads().await.unwrap().0.len();
        if last == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("after 10 s there are {last} uploads, and not {expected}");
}

/// An upload of which one part was put, and whose writer was killed: it tidies nothing up.
async fn crash_half_way(store: &S3, id: Uuid) {
    let upload = Upload::begin(&store.remote, id.to_string()).await.unwrap();
    upload.part(1, vec![7; PART_BYTES]).await.unwrap();
    std::mem::forget(upload);
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn crash_before_the_last_request_leaves_what_was_there() {
    let garage = TestGarage::start().await;
    let store = garage.store();
    let [new, old] = [Uuid::new_v4(), Uuid::new_v4()];
    store.put(old, Bytes::from_static(b"old").into()).await.unwrap();
    for id in [new, old] {
        crash_half_way(&store, id).await;
    }
    assert!(store.get(new).await.unwrap().is_none());
    assert!(store.head(new).await.unwrap().is_none());
    assert!(!store.delete(new).await.unwrap());
    assert_eq!(store.get(old).await.unwrap().unwrap().into_bytes().await.unwrap(), b"old"[..]);
    assert_eq!(store.list().count().await, 1);
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn leftovers_of_a_crash_are_cleaned_once_they_are_old_and_images_stay() {
    let garage = TestGarage::start().await;
    let store = garage.store();
    let kept = Uuid::new_v4();
    store.put(kept, Bytes::from_static(b"kept").into()).await.unwrap();
    for _ in 0..3 {
        crash_half_way(&store, kept).await;
    }
    store.put_whole(&format!("{PROBES}{}", Uuid::new_v4()), Bytes::from_static(b"probe")).await.unwrap();

    assert_eq!(store.clean_leftovers(Duration::from_hours(1)).await.unwrap(), 0, "they may still be written");
    assert_eq!(store.clean_leftovers(Duration::ZERO).await.unwrap(), 4);
    assert_eq!(store.clean_leftovers(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(store.get(kept).await.unwrap().unwrap().into_bytes().await.unwrap(), b"kept"[..]);
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn upload_that_nobody_waits_for_any_more_is_aborted() {
    let garage = TestGarage::start().await;
    let store = garage.store();
    let size_bytes = 3 * PART_BYTES as u64;
    let chunks = stream::iter([Ok(pattern(PART_BYTES + 1))]).chain(stream::pending()).boxed();
    let putting = store.clone();
    let put = tokio::spawn(async move { putting.put(Uuid::new_v4(), Content { size_bytes, chunks }).await });
    until_there_are(&store, 1).await;
    put.abort();
    until_there_are(&store, 0).await;
    assert_eq!(store.list().count().await, 0);
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn upload_that_a_later_put_overtook_is_no_error_and_the_later_one_stays() {
    let garage = TestGarage::start().await;
    let (store, id) = (garage.store(), Uuid::new_v4());
    let upload = Upload::begin(&store.remote, id.to_string()).await.unwrap();
    store.put(id, Bytes::from_static(b"later").into()).await.unwrap();
    upload.put(two_parts(), PART_BYTES).await.unwrap();
    assert_eq!(store.get(id).await.unwrap().unwrap().into_bytes().await.unwrap(), b"later"[..]);
    assert_eq!(store.clean_leftovers(Duration::ZERO).await.unwrap(), 0);
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn upload_that_was_aborted_by_another_is_an_error() {
    let garage = TestGarage::start().await;
    let (store, id) = (garage.store(), Uuid::new_v4());
    let upload = Upload::begin(&store.remote, id.to_string()).await.unwrap();
    assert_eq!(store.clean_leftovers(Duration::ZERO).await.unwrap(), 1);
    let error = upload.put(two_parts(), PART_BYTES).await.unwrap_err();
    assert!(error.to_string().contains("NoSuchUpload"), "{error}");
    assert!(store.get(id).await.unwrap().is_none());
}

fn two_parts() -> Pieces {
    Pieces::of(stream::iter([Ok(pattern(PART_BYTES + 1))]).boxed())
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn put_takes_no_more_from_its_source_than_the_part_that_is_put() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    const CHUNK: usize = 1024 * 1024;
    let garage = TestGarage::start().await;
    let store = garage.store();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let parts = 3;
    let chunks = stream::iter(0..parts * PART_BYTES / CHUNK)
        .map(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Bytes::from(vec![7; CHUNK]))
        })
        .boxed();
    let mut pieces = Pieces::of(chunks);
    let upload = Upload::begin(&store.remote, Uuid::new_v4().to_string()).await.unwrap();
    for part in 1..=parts {
        let piece = pieces.next(PART_BYTES).await.unwrap();
        upload.part(part, piece).await.unwrap();
        assert_eq!(taken.load(Ordering::SeqCst), part * PART_BYTES / CHUNK);
    }
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn listing_goes_on_behind_the_first_page() {
    let garage = TestGarage::start().await;
    let store = garage.store();
    // A page has 1000 entries.
    let puts = (0..1_005).map(|_| store.put(Uuid::new_v4(), Bytes::from_static(b"image").into()));
    let mut puts = stream::iter(puts).buffer_unordered(16);
    while let Some(put) = puts.next().await {
        put.unwrap();
    }
    store.put_whole("a note.txt", Bytes::from_static(b"not an image")).await.unwrap();
    assert_eq!(store.list().filter(|image| std::future::ready(image.is_ok())).count().await, 1_005);
}

#[test]
fn parts_are_as_short_as_s3_allows_and_never_too_many() {
    assert_eq!(part_bytes(PART_BYTES as u64 + 1), PART_BYTES);
    let huge = 1_u64 << 40;
    assert!(huge.div_ceil(part_bytes(huge) as u64) <= PARTS_MAX);
}
