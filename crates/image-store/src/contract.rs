//! What every backend promises. A new backend is one more `#[case]` of [`every_store`].

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use rstest::rstest;
use rstest_reuse::{apply, template};
use time::OffsetDateTime;
use uuid::Uuid;

use Kind::{EncryptedFiles, EncryptedMemory, EncryptedS3, Filesystem, Memory, S3};

use crate::test_garage::TestGarage;
use crate::{Content, Encrypted, ImageStore, Keys, StoreError, filesystem, memory};

/// A store to try, with whatever it needs to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Filesystem,
    Memory,
    S3,
    EncryptedFiles,
    EncryptedMemory,
    EncryptedS3,
}

struct Tried {
    store: Arc<dyn ImageStore>,
    _folder: tempfile::TempDir,
    _garage: Option<TestGarage>,
}

impl Kind {
    async fn open(self) -> Tried {
        let folder = tempfile::tempdir().unwrap();
        let garage = if self.is_s3() { Some(TestGarage::start().await) } else { None };
        let store = match (self, &garage) {
            (Memory | EncryptedMemory, _) => self.over(memory::Memory::new()),
            (_, Some(garage)) => self.over(garage.store()),
            (_, None) => self.over(filesystem::Filesystem::new(folder.path())),
        };
        Tried { store, _folder: folder, _garage: garage }
    }

    /// This kind of store over a backend of one's own.
    fn over(self, backend: impl ImageStore + 'static) -> Arc<dyn ImageStore> {
        let keys = Keys::parse("a key that nobody would ever guess").unwrap();
        match self {
            Filesystem | Memory | S3 => Arc::new(backend),
            EncryptedFiles | EncryptedMemory | EncryptedS3 => Arc::new(Encrypted::over(backend, keys)),
        }
    }

    fn is_s3(self) -> bool {
        matches!(self, S3 | EncryptedS3)
    }

    /// How far the time of an object may lie before its put: filesystems stamp files by a clock that ticks every few
    /// milliseconds, HTTP tells whole seconds.
    fn tick(self) -> time::Duration {
        if self.is_s3() { time::Duration::SECOND } else { time::Duration::milliseconds(100) }
    }
}

#[template]
#[rstest]
#[case::filesystem(Filesystem)]
#[case::memory(Memory)]
#[case::encrypted_files(EncryptedFiles)]
#[case::encrypted_memory(EncryptedMemory)]
#[ignore = "needs garage on the PATH"]
#[case::s3(S3)]
#[ignore = "needs garage on the PATH"]
#[case::encrypted_s3(EncryptedS3)]
fn every_store(#[case] kind: Kind) {}

/// Longer than any backend keeps in memory at once: than a part of an upload to S3.
const LONG: usize = 12_000_000;

fn bytes(size: usize) -> Bytes {
    (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

async fn content(store: &dyn ImageStore, id: Uuid) -> Option<Bytes> {
    match store.get(id).await.unwrap() {
        Some(image) => Some(image.into_bytes().await.unwrap()),
        None => None,
    }
}

#[apply(every_store)]
#[tokio::test]
async fn image_comes_back_as_it_was_put(
    #[case] kind: Kind,
    #[values(0, 1, 65_535, 65_536, 65_537, 1_000_000, 5_242_880, 5_242_881, LONG)] size: usize,
) {
    let tried = kind.open().await;
    let id = Uuid::new_v4();
    let put = bytes(size);
    tried.store.put(id, put.clone().into()).await.unwrap();
    assert_eq!(content(&*tried.store, id).await, Some(put));
}

#[apply(every_store)]
#[tokio::test]
async fn range_is_those_bytes_of_the_image_that_are_in_it(
    #[case] kind: Kind,
    #[values(0, 1, 65_536, 200_000)] size: usize,
) {
    let tried = kind.open().await;
    let id = Uuid::new_v4();
    let put = bytes(size);
    tried.store.put(id, put.clone().into()).await.unwrap();
    let ranges: [Range<u64>; 10] = [
        0..0,
        0..1,
        1..2,
        0..u64::MAX,
        65_535..65_537,
        65_536..65_536,
        70_000..150_000,
        131_072..u64::MAX,
        199_999..200_000,
        300_000..400_000,
    ];
    for range in ranges {
        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap().min(size));
        let image = tried.store.get_range(id, range.clone()).await.unwrap().unwrap();
        assert_eq!(image.info, tried.store.head(id).await.unwrap().unwrap());
        assert_eq!(image.into_bytes().await.unwrap(), put.slice(start..end), "{range:?}");
    }
}

/// Ways in which content does not come whole.
#[derive(Debug, Clone, Copy)]
enum Half {
    TooFew,
    TooMany,
    TooManyByAChunk,
    Nothing,
    FailedHalfWay,
}

impl Half {
    /// Content that was said to have `size` bytes, and what is said of it.
    fn content(self, size: usize) -> (Content, String) {
        let (begin, came) = (size * 3 / 5, |came: usize| format!("to have {size} bytes, and {came} came"));
        let (chunks, said) = match self {
            Self::TooFew => (vec![Ok(bytes(begin)), Ok(bytes(size - begin - 1))], came(size - 1)),
            Self::TooMany => (vec![Ok(bytes(begin)), Ok(bytes(size - begin + 1))], came(size + 1)),
            Self::TooManyByAChunk => (vec![Ok(bytes(size)), Ok(bytes(1))], came(size + 1)),
            Self::Nothing => (vec![], came(0)),
            Self::FailedHalfWay => (vec![Ok(bytes(begin)), Err(StoreError::Away)], "away".to_owned()),
        };
        (Content { size_bytes: size as u64, chunks: stream::iter(chunks).boxed() }, said)
    }
}

#[apply(every_store)]
#[tokio::test]
async fn content_that_does_not_come_whole_leaves_what_was_there(
    #[case] kind: Kind,
    #[values(Half::TooFew, Half::TooMany, Half::TooManyByAChunk, Half::Nothing, Half::FailedHalfWay)]
    half: Half,
) {
    let tried = kind.open().await;
    let id = Uuid::new_v4();
    tried.store.put(id, Bytes::from_static(b"image").into()).await.unwrap();
    for size in [100, 65_536, LONG] {
        let (content, expected) = half.content(size);
        let said = tried.store.put(id, content).await.unwrap_err().to_string();
        assert!(said.contains(&expected), "{said}");
    }
    assert_eq!(content(&*tried.store, id).await, Some(Bytes::from_static(b"image")));
    assert_eq!(tried.store.clean_leftovers(Duration::ZERO).await.unwrap(), 0);
}

#[apply(every_store)]
#[tokio::test]
async fn put_that_is_given_up_half_way_is_never_seen(#[case] kind: Kind) {
    let tried = kind.open().await;
    let id = Uuid::new_v4();
    for size in [100_000, LONG] {
        let chunks = stream::iter([Ok(bytes(size * 2 / 3))]).chain(stream::pending()).boxed();
        let put = tried.store.put(id, Content { size_bytes: size as u64, chunks });
        assert!(
            tokio::time::timeout(Duration::from_millis(50), put).await.is_err(),
            "it was to wait for more"
        );
        assert!(content(&*tried.store, id).await.is_none());
        assert_eq!(tried.store.list().count().await, 0);
        // An upload to S3 is aborted after whoever gave it up has gone on: see the tests of that backend.
        if !kind.is_s3() {
            assert_eq!(tried.store.clean_leftovers(Duration::ZERO).await.unwrap(), 0);
        }
    }
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
    assert!(refused.is_full(), "{refused:?}");
    assert_eq!(content(&*store, id).await, Some(Bytes::from_static(b"image")));
    assert!(store.delete(id).await.unwrap(), "a full store can be emptied");
}

#[apply(every_store)]
#[tokio::test]
async fn image_tells_its_length_and_time_before_it_is_read(#[case] kind: Kind) {
    let tried = kind.open().await;
    let id = Uuid::new_v4();
    let before = OffsetDateTime::now_utc();
    tried.store.put(id, Bytes::from_static(b"image").into()).await.unwrap();

    let head = tried.store.head(id).await.unwrap().unwrap();
    assert_eq!((head.id, head.size_bytes), (id, 5));
    let taken = head.created_at - before;
    assert!(taken > -kind.tick() && taken < time::Duration::MINUTE, "{taken}");
    assert_eq!(tried.store.get(id).await.unwrap().unwrap().info, head);
}

#[apply(every_store)]
#[tokio::test]
async fn unknown_id_is_absent_and_no_error(#[case] kind: Kind) {
    let tried = kind.open().await;
    let id = Uuid::new_v4();
    assert!(tried.store.get(id).await.unwrap().is_none());
    assert!(tried.store.get_range(id, 0..1).await.unwrap().is_none());
    assert!(tried.store.head(id).await.unwrap().is_none());
    assert!(!tried.store.delete(id).await.unwrap());
}

#[apply(every_store)]
#[tokio::test]
async fn image_deleted_twice_was_there_once(#[case] kind: Kind) {
    let tried = kind.open().await;
    let id = Uuid::new_v4();
    tried.store.put(id, Bytes::from_static(b"image").into()).await.unwrap();
    assert!(tried.store.delete(id).await.unwrap());
    assert!(!tried.store.delete(id).await.unwrap());
    assert!(content(&*tried.store, id).await.is_none());
}

#[apply(every_store)]
#[tokio::test]
async fn second_put_replaces_the_first(#[case] kind: Kind) {
    let tried = kind.open().await;
    let id = Uuid::new_v4();
    tried.store.put(id, Bytes::from_static(b"a longer first image").into()).await.unwrap();
    tried.store.put(id, Bytes::from_static(b"second").into()).await.unwrap();
    assert_eq!(content(&*tried.store, id).await, Some(Bytes::from_static(b"second")));
    assert_eq!(tried.store.list().count().await, 1);
}

#[apply(every_store)]
#[tokio::test]
async fn list_names_every_image_and_nothing_else(#[case] kind: Kind) {
    let tried = kind.open().await;
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

#[apply(every_store)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_puts_of_one_id_leave_one_of_them_whole(
    #[case] kind: Kind,
    #[values((24, 100_000), (3, 6_000_000))] (puts, size): (u8, usize),
) {
    let tried = kind.open().await;
    let id = Uuid::new_v4();
    let puts = (0..puts).map(|i| {
        let store = tried.store.clone();
        tokio::spawn(async move { store.put(id, Bytes::from(vec![i; size + usize::from(i)]).into()).await })
    });
    for put in futures::future::join_all(puts).await {
        put.unwrap().unwrap();
    }
    let whole = content(&*tried.store, id).await.unwrap();
    assert_eq!(whole.len(), size + usize::from(whole[0]));
    assert!(whole.iter().all(|byte| *byte == whole[0]));
    assert_eq!(tried.store.list().count().await, 1);
}

#[apply(every_store)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reader_during_puts_sees_one_whole_image_or_none(#[case] kind: Kind) {
    let tried = kind.open().await;
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

#[apply(every_store)]
#[tokio::test]
async fn check_passes_and_leaves_nothing(#[case] kind: Kind) {
    let tried = kind.open().await;
    tried.store.check().await.unwrap();
    assert_eq!(tried.store.list().count().await, 0);
    assert_eq!(tried.store.clean_leftovers(Duration::ZERO).await.unwrap(), 0);
}
