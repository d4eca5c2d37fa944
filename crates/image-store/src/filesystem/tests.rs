//! What only the filesystem backend promises: crash safety, modes, damage found, errors that name the folder.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use futures::TryStreamExt;
use rstest::rstest;

use super::*;

struct InFolder {
    folder: tempfile::TempDir,
    store: Filesystem,
}

fn in_folder() -> InFolder {
    let folder = tempfile::tempdir().unwrap();
    let store = Filesystem::new(folder.path());
    InFolder { folder, store }
}

impl InFolder {
    async fn crash_half_way(&self, id: Uuid) {
        let partial = self.store.write_partial(id, Bytes::from_static(b"half way").into()).await.unwrap();
        // Whoever is killed tidies nothing up.
        std::mem::forget(partial);
    }
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn crash_between_write_and_publication_leaves_nothing_visible() {
    let it = in_folder();
    let id = Uuid::new_v4();
    it.crash_half_way(id).await;

    assert!(it.store.get(id).await.unwrap().is_none());
    assert!(it.store.head(id).await.unwrap().is_none());
    assert!(it.store.list().try_collect::<Vec<_>>().await.unwrap().is_empty());
    assert!(!it.store.delete(id).await.unwrap());
}

#[tokio::test]
async fn leftover_of_a_crash_is_cleaned_once_it_is_old_and_images_stay() {
    let it = in_folder();
    let kept = Uuid::new_v4();
    it.store.put(kept, Bytes::from_static(b"kept").into()).await.unwrap();
    it.crash_half_way(Uuid::new_v4()).await;

    assert_eq!(
        it.store.clean_leftovers(Duration::from_hours(1)).await.unwrap(),
        0,
        "it may still be written"
    );
    assert_eq!(it.store.clean_leftovers(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(files(it.folder.path()), 1);
    assert!(it.store.head(kept).await.unwrap().is_some());
}

#[tokio::test]
async fn put_and_check_leave_no_file_but_the_image() {
    let it = in_folder();
    it.store.put(Uuid::new_v4(), Bytes::from_static(b"image").into()).await.unwrap();
    it.store.check().await.unwrap();
    assert_eq!(files(it.folder.path()), 1);
}

#[tokio::test]
async fn image_can_be_read_and_changed_by_the_group_and_by_nobody_else() {
    let it = in_folder();
    let id = Uuid::new_v4();
    it.store.put(id, Bytes::from_static(b"image").into()).await.unwrap();
    let mode = fs::metadata(it.store.path(id)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o660, "{mode:o}");
}

#[tokio::test]
async fn image_deleted_while_it_is_read_arrives_whole() {
    let it = in_folder();
    let id = Uuid::new_v4();
    it.store.put(id, Bytes::from(vec![7; 3 * CHUNK_BYTES]).into()).await.unwrap();
    let image = it.store.get(id).await.unwrap().unwrap();
    it.store.delete(id).await.unwrap();
    assert_eq!(image.into_bytes().await.unwrap().len(), 3 * CHUNK_BYTES);
}

#[tokio::test]
#[ignore = "needs a user that is not root: nothing is refused to root"]
async fn folder_that_lost_its_permissions_is_named_and_loses_nothing() {
    let it = in_folder();
    let id = Uuid::new_v4();
    it.store.put(id, Bytes::from_static(b"image").into()).await.unwrap();
    let set_mode = |mode| fs::set_permissions(it.folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o500);
    let answers = [
        it.store.put(id, Bytes::from_static(b"other").into()).await.unwrap_err(),
        it.store.delete(id).await.map(drop).unwrap_err(),
        it.store.check().await.unwrap_err(),
    ];
    for answer in answers {
        assert!(matches!(answer, StoreError::Refused { .. }), "{answer:?}");
    }
    set_mode(0o700);
    assert_eq!(it.store.get(id).await.unwrap().unwrap().into_bytes().await.unwrap(), b"image"[..]);
    assert_eq!(files(it.folder.path()), 1);
}

#[rstest]
#[case::missing("nowhere")]
#[case::a_file_instead("file")]
#[tokio::test]
async fn every_operation_says_that_the_folder_is_missing(#[case] name: &str) {
    let it = in_folder();
    fs::write(it.folder.path().join("file"), "").unwrap();
    let store = Filesystem::new(it.folder.path().join(name));
    let id = Uuid::new_v4();
    let answers = [
        store.put(id, Bytes::new().into()).await.unwrap_err(),
        store.get(id).await.map(drop).unwrap_err(),
        store.head(id).await.map(drop).unwrap_err(),
        store.delete(id).await.map(drop).unwrap_err(),
        store.list().try_collect::<Vec<_>>().await.map(drop).unwrap_err(),
        store.check().await.unwrap_err(),
        store.clean_leftovers(Duration::ZERO).await.map(drop).unwrap_err(),
    ];
    for answer in answers {
        assert!(matches!(answer, StoreError::FolderMissing { .. }), "{answer:?}");
    }
}

#[tokio::test]
async fn file_without_an_id_for_a_name_is_not_listed() {
    let it = in_folder();
    fs::write(it.folder.path().join("lost+found"), "").unwrap();
    assert!(it.store.list().try_collect::<Vec<_>>().await.unwrap().is_empty());
}
