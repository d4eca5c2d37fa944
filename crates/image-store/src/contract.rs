//! What every backend promises. A new backend is one more `#[values]` entry here.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use rstest::rstest;
use time::OffsetDateTime;
use uuid::Uuid;

use Kind::{EncryptedFiles, EncryptedMemory, Filesystem, Memory};

use crate::{Content, Encrypted, ImageStore, Keys, StoreError, filesystem, memory};

/// A store to try, with whatever it needs to live.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Filesystem,
    Memory,
    EncryptedFiles,
    EncryptedMemory,
}

struct Tried {
    store: Arc<dyn ImageStore>,
    _folder: tempfile::TempDir,
}

impl Kind {
    fn open(self) -> Tried {
        let folder = tempfile::tempdir().unwrap();
        let store = match self {
            Filesystem | EncryptedFiles => self.over(filesystem::Filesystem::new(folder.path())),
            Memory | EncryptedMemory => self.over(memory::Memory::new()),
        };
        Tried { store, _folder: folder }
    }

    /// This kind of store over a backend of one's own.
    fn over(self, backend: impl ImageStore + 'static) -> Arc<dyn ImageStore> {
        let keys = Keys::parse("a key that nobody would ever guess").unwrap();
        match self {
            Filesystem | Memory => Arc::new(backend),
            EncryptedFiles | EncryptedMemory => Arc::new(Encrypted::over(backend, keys)),
        }
    }
}

fn bytes(size: usize) -> Bytes {
    (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

/// Content of which `chunks` come, whatever length was said.
fn saying(size_bytes: u64, chunks: Vec<Result<Bytes, StoreError>>) -> Content {
    Content { size_bytes, chunks: stream::iter(chunks).boxed() }
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
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
    #[values(0, 1, 65_535, 65_536, 65_537, 1_000_000)] size: usize,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    let put = bytes(size);
    tried.store.put(id, put.clone().into()).await.unwrap();
    assert_eq!(content(&*tried.store, id).await, Some(put));
}

#[rstest]
#[tokio::test]
async fn range_is_those_bytes_of_the_image_that_are_in_it(
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
    #[values(0, 1, 65_536, 200_000)] size: usize,
    #[values(0..0, 0..1, 1..2, 65_535..65_537, 65_536..65_536, 70_000..150_000, 131_072..u64::MAX, 199_999..200_000,
        300_000..400_000)]
    range: Range<u64>,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    let put = bytes(size);
    tried.store.put(id, put.clone().into()).await.unwrap();
    let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap().min(size));
    let image = tried.store.get_range(id, range).await.unwrap().unwrap();
    assert_eq!(image.info, tried.store.head(id).await.unwrap().unwrap());
    assert_eq!(image.into_bytes().await.unwrap(), put.slice(start..end));
}

#[rstest]
#[case::too_few(saying(100, vec![Ok(bytes(60)), Ok(bytes(39))]), "to have 100 bytes, and 99 came")]
#[case::too_many(saying(100, vec![Ok(bytes(60)), Ok(bytes(41))]), "to have 100 bytes, and 101 came")]
#[case::too_many_by_a_chunk(saying(65_536, vec![Ok(bytes(65_536)), Ok(bytes(1))]), "65536 bytes, and 65537 came")]
#[case::none(saying(100, vec![]), "to have 100 bytes, and 0 came")]
#[case::failed_half_way(saying(100, vec![Ok(bytes(60)), Err(StoreError::Away)]), "away")]
#[tokio::test]
async fn content_that_does_not_come_whole_leaves_what_was_there(
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
    #[case] half: Content,
    #[case] expected: &str,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    tried.store.put(id, Bytes::from_static(b"image").into()).await.unwrap();
    let said = tried.store.put(id, half).await.unwrap_err().to_string();
    assert!(said.contains(expected), "{said}");
    assert_eq!(content(&*tried.store, id).await, Some(Bytes::from_static(b"image")));
    assert_eq!(tried.store.clean_leftovers(Duration::ZERO).await.unwrap(), 0);
}

#[rstest]
#[tokio::test]
async fn put_that_is_given_up_half_way_is_never_seen(
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    let chunks = stream::iter([Ok(bytes(70_000))]).chain(stream::pending()).boxed();
    let put = tried.store.put(id, Content { size_bytes: 100_000, chunks });
    assert!(tokio::time::timeout(Duration::from_millis(50), put).await.is_err(), "it was to wait for more");
    assert!(content(&*tried.store, id).await.is_none());
    assert_eq!(tried.store.list().count().await, 0);
    assert_eq!(tried.store.clean_leftovers(Duration::ZERO).await.unwrap(), 0);
}

#[rstest]
#[tokio::test]
async fn image_for_which_there_is_no_room_is_refused_and_what_was_there_stays(
    #[values(Memory, EncryptedMemory)] kind: Kind,
) {
    let memory = memory::Memory::new();
    let store = kind.over(memory.clone());
    let id = Uuid::new_v4();
    store.put(id, Bytes::from_static(b"image").into()).await.unwrap();
    memory.set_room(100_000);
    let refused = store.put(id, bytes(200_000).into()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
    assert_eq!(content(&*store, id).await, Some(Bytes::from_static(b"image")));
    assert!(store.delete(id).await.unwrap(), "a full store can be emptied");
}

#[rstest]
#[tokio::test]
async fn image_tells_its_length_and_time_before_it_is_read(
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    let before = OffsetDateTime::now_utc();
    tried.store.put(id, Bytes::from_static(b"image").into()).await.unwrap();

    let head = tried.store.head(id).await.unwrap().unwrap();
    assert_eq!((head.id, head.size_bytes), (id, 5));
    // Filesystems stamp files by a clock that ticks every few milliseconds.
    let taken = head.created_at - before;
    assert!(taken > time::Duration::milliseconds(-100) && taken < time::Duration::MINUTE, "{taken}");
    assert_eq!(tried.store.get(id).await.unwrap().unwrap().info, head);
}

#[rstest]
#[tokio::test]
async fn unknown_id_is_absent_and_no_error(
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    assert!(tried.store.get(id).await.unwrap().is_none());
    assert!(tried.store.get_range(id, 0..1).await.unwrap().is_none());
    assert!(tried.store.head(id).await.unwrap().is_none());
    assert!(!tried.store.delete(id).await.unwrap());
}

#[rstest]
#[tokio::test]
async fn image_deleted_twice_was_there_once(
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    tried.store.put(id, Bytes::from_static(b"image").into()).await.unwrap();
    assert!(tried.store.delete(id).await.unwrap());
    assert!(!tried.store.delete(id).await.unwrap());
    assert!(content(&*tried.store, id).await.is_none());
}

#[rstest]
#[tokio::test]
async fn second_put_replaces_the_first(
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    tried.store.put(id, Bytes::from_static(b"a longer first image").into()).await.unwrap();
    tried.store.put(id, Bytes::from_static(b"second").into()).await.unwrap();
    assert_eq!(content(&*tried.store, id).await, Some(Bytes::from_static(b"second")));
    assert_eq!(tried.store.list().count().await, 1);
}

#[rstest]
#[tokio::test]
async fn list_names_every_image_and_nothing_else(
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
) {
    let tried = kind.open();
    assert_eq!(tried.store.list().count().await, 0);
    let ids: BTreeSet<Uuid> = (0..20).map(|_| Uuid::new_v4()).collect();
    for id in &ids {
        tried.store.put(*id, Bytes::from_static(b"image").into()).await.unwrap();
    }
    let listed: Vec<_> = tried.store.list().try_collect().await.unwrap();
    assert!(listed.iter().all(|info| info.size_bytes == 5));
    assert_eq!(listed.len(), 20);
    assert_eq!(listed.iter().map(|info| info.id).collect::<BTreeSet<_>>(), ids);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_puts_of_one_id_leave_one_of_them_whole(
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    let puts = (0..24_u8).map(|i| {
        let store = tried.store.clone();
        tokio::spawn(
            async move { store.put(id, Bytes::from(vec![i; 100_000 + usize::from(i)]).into()).await },
        )
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
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
) {
    let tried = kind.open();
    let id = Uuid::new_v4();
    let store = tried.store.clone();
    let writer = tokio::spawn(async move {
        for i in 0..50_u8 {
            store.put(id, Bytes::from(vec![i; 150_000]).into()).await.unwrap();
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
async fn check_passes_and_leaves_nothing(
    #[values(Filesystem, Memory, EncryptedFiles, EncryptedMemory)] kind: Kind,
) {
    let tried = kind.open();
    tried.store.check().await.unwrap();
    assert_eq!(tried.store.list().count().await, 0);
    assert_eq!(tried.store.clean_leftovers(Duration::ZERO).await.unwrap(), 0);
}
