//! What only the filesystem backend promises: crash safety, modes, damage found, errors that name the folder.

use std::os::unix::fs::PermissionsExt;

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

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn crash_between_write_and_publication_leaves_nothing_visible() {
    let it = in_folder();
    let id = Uuid::new_v4();
    it.store.write_partial(id, b"half way").unwrap();

    assert!(it.store.get(id).await.unwrap().is_none());
    assert!(it.store.head(id).await.unwrap().is_none());
    assert!(it.store.list().try_collect::<Vec<_>>().await.unwrap().is_empty());
    assert!(!it.store.delete(id).await.unwrap());
}

#[tokio::test]
async fn leftover_of_a_crash_is_cleaned_once_it_is_old_and_images_stay() {
    let it = in_folder();
    let kept = Uuid::new_v4();
    it.store.put(kept, Bytes::from_static(b"kept")).await.unwrap();
    it.store.write_partial(Uuid::new_v4(), b"half way").unwrap();

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
    it.store.put(Uuid::new_v4(), Bytes::from_static(b"image")).await.unwrap();
    it.store.check().await.unwrap();
    assert_eq!(files(it.folder.path()), 1);
}

#[tokio::test]
async fn image_can_be_read_and_changed_by_the_group_and_by_nobody_else() {
    let it = in_folder();
    let id = Uuid::new_v4();
    it.store.put(id, Bytes::from_static(b"image")).await.unwrap();
    let mode = fs::metadata(it.store.path(id)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o660, "{mode:o}");
}

#[rstest]
#[case::one_byte_less(|file: &mut Vec<u8>| { file.pop(); }, "length")]
#[case::one_byte_more(|file: &mut Vec<u8>| file.push(0), "length")]
#[case::cut_inside_the_header(|file: &mut Vec<u8>| file.truncate(20), "shorter than its header")]
#[case::emptied(|file: &mut Vec<u8>| file.clear(), "shorter than its header")]
#[case::another_file(|file: &mut Vec<u8>| file.fill(b'x'), "header is not one of ours")]
#[case::one_bit_flipped(|file: &mut Vec<u8>| *file.last_mut().unwrap() ^= 1, "bytes are not those")]
#[tokio::test]
async fn damaged_image_is_told_and_never_arrives_whole(
    #[case] damage: fn(&mut Vec<u8>),
    #[case] expected: &str,
) {
    let it = in_folder();
    let id = Uuid::new_v4();
    it.store.put(id, Bytes::from(vec![7; 3 * CHUNK_BYTES])).await.unwrap();
    let mut file = fs::read(it.store.path(id)).unwrap();
    damage(&mut file);
    fs::write(it.store.path(id), file).unwrap();

    let read = async { it.store.get(id).await?.unwrap().into_bytes().await };
    let said = read.await.unwrap_err().to_string();
    assert!(said.contains(expected) && said.contains(&id.to_string()), "{said}");
    let listed = it.store.list().try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(listed.len(), 1, "a damaged image is still listed");
    assert!(it.store.delete(id).await.unwrap(), "a damaged image can still be deleted");
}

#[tokio::test]
async fn image_deleted_while_it_is_read_arrives_whole() {
    let it = in_folder();
    let id = Uuid::new_v4();
    it.store.put(id, Bytes::from(vec![7; 3 * CHUNK_BYTES])).await.unwrap();
    let image = it.store.get(id).await.unwrap().unwrap();
    it.store.delete(id).await.unwrap();
    assert_eq!(image.into_bytes().await.unwrap().len(), 3 * CHUNK_BYTES);
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
        store.put(id, Bytes::new()).await.unwrap_err(),
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
