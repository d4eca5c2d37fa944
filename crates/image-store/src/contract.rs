//! What every backend promises. A new backend is one more `#[values]` entry here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use rstest::rstest;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Filesystem, ImageStore, Memory};

/// A backend to try, with whatever it needs to live.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Filesystem,
    Memory,
}

struct Tried {
    store: Arc<dyn ImageStore>,
    _folder: Option<tempfile::TempDir>,
}

impl Kind {
    fn open(self) -> Tried {
        match self {
            Self::Filesystem => {
                let folder = tempfile::tempdir().unwrap();
                Tried { store: Arc::new(Filesystem::new(folder.path())), _folder: Some(folder) }
            }
            Self::Memory => Tried { store: Arc::new(Memory::new()), _folder: None },
        }
    }
}

async fn content(store: &dyn ImageStore, id: Uuid) -> Option<Bytes> {
    match store.get(id).await.unwrap() {
        Some(image) => Some(image.into_bytes().await.unwrap()),
        None => None,
    }
}

#[rstest]
#[tokio::test]
async fn image_comes_back_as_it_was_put(
    #[values(Kind::Filesystem, Kind::Memory)] kind: Kind,
    #[values(0, 1, 65_535, 65_536, 65_537, 1_000_000)] size: usize,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    let put: Bytes = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
    tried.store.put(id, put.clone()).await.unwrap();
    assert_eq!(content(&*tried.store, id).await, Some(put));
}

#[rstest]
#[tokio::test]
async fn image_tells_its_length_and_time_before_it_is_read(
    #[values(Kind::Filesystem, Kind::Memory)] kind: Kind,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    let before = OffsetDateTime::now_utc();
    tried.store.put(id, Bytes::from_static(b"image")).await.unwrap();

    let head = tried.store.head(id).await.unwrap().unwrap();
    assert_eq!((head.id, head.size_bytes), (id, 5));
    // Filesystems stamp files by a clock that ticks every few milliseconds.
    let taken = head.created_at - before;
    assert!(taken > time::Duration::milliseconds(-100) && taken < time::Duration::MINUTE, "{taken}");
    assert_eq!(tried.store.get(id).await.unwrap().unwrap().info, head);
}

#[rstest]
#[tokio::test]
async fn unknown_id_is_absent_and_no_error(#[values(Kind::Filesystem, Kind::Memory)] kind: Kind) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    assert!(tried.store.get(id).await.unwrap().is_none());
    assert!(tried.store.head(id).await.unwrap().is_none());
    assert!(!tried.store.delete(id).await.unwrap());
}

#[rstest]
#[tokio::test]
async fn image_deleted_twice_was_there_once(#[values(Kind::Filesystem, Kind::Memory)] kind: Kind) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    tried.store.put(id, Bytes::from_static(b"image")).await.unwrap();
    assert!(tried.store.delete(id).await.unwrap());
    assert!(!tried.store.delete(id).await.unwrap());
    assert!(content(&*tried.store, id).await.is_none());
}

#[rstest]
#[tokio::test]
async fn second_put_replaces_the_first(#[values(Kind::Filesystem, Kind::Memory)] kind: Kind) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    tried.store.put(id, Bytes::from_static(b"a longer first image")).await.unwrap();
    tried.store.put(id, Bytes::from_static(b"second")).await.unwrap();
    assert_eq!(content(&*tried.store, id).await, Some(Bytes::from_static(b"second")));
    assert_eq!(tried.store.list().count().await, 1);
}

#[rstest]
#[tokio::test]
async fn list_names_every_image_and_nothing_else(#[values(Kind::Filesystem, Kind::Memory)] kind: Kind) {
    let tried = kind.open();
    assert_eq!(tried.store.list().count().await, 0);
    let ids: BTreeSet<Uuid> = (0..20).map(|_| Uuid::new_v4()).collect();
    for id in &ids {
        tried.store.put(*id, Bytes::from_static(b"image")).await.unwrap();
    }
    let listed: Vec<_> = tried.store.list().try_collect().await.unwrap();
    assert!(listed.iter().all(|info| info.size_bytes == 5));
    assert_eq!(listed.len(), 20);
    assert_eq!(listed.iter().map(|info| info.id).collect::<BTreeSet<_>>(), ids);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_puts_of_one_id_leave_one_of_them_whole(
    #[values(Kind::Filesystem, Kind::Memory)] kind: Kind,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    let puts = (0..24_u8).map(|i| {
        let store = tried.store.clone();
        tokio::spawn(async move { store.put(id, Bytes::from(vec![i; 100_000 + usize::from(i)])).await })
    });
    for put in futures::future::join_all(puts).await {
        put.unwrap().unwrap();
    }
    let whole = content(&*tried.store, id).await.unwrap();
    assert_eq!(whole.len(), 100_000 + usize::from(whole[0]));
    assert!(whole.iter().all(|byte| *byte == whole[0]));
    assert_eq!(tried.store.list().count().await, 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reader_during_puts_sees_one_whole_image_or_none(
    #[values(Kind::Filesystem, Kind::Memory)] kind: Kind,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    let store = tried.store.clone();
    let writer = tokio::spawn(async move {
        for i in 0..50_u8 {
            store.put(id, Bytes::from(vec![i; 150_000])).await.unwrap();
        }
    });
    while !writer.is_finished() {
        if let Some(whole) = content(&*tried.store, id).await {
            assert_eq!(whole.len(), 150_000);
            assert!(whole.iter().all(|byte| *byte == whole[0]));
        }
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

#[rstest]
#[tokio::test]
async fn check_passes_and_leaves_nothing(#[values(Kind::Filesystem, Kind::Memory)] kind: Kind) {
    let tried = kind.open();
    tried.store.check().await.unwrap();
    assert_eq!(tried.store.list().count().await, 0);
    assert_eq!(tried.store.clean_leftovers(Duration::ZERO).await.unwrap(), 0);
}
