//! What encryption promises: nothing readable in the backend, whatever was altered is refused and stays, keys change,
//! bytes are streamed.

mod altered;
mod keys;
mod streamed;

use super::*;
use crate::Memory;
use layout::SEALED_BYTES;

const KEY: &str = "a key that nobody would ever guess";
const OTHER_KEY: &str = "another key that nobody would guess";
const ID: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
const OTHER_ID: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002);
/// How an image in PNG begins (ISO/IEC 15948, 5.2).
const PNG: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];

fn store(keys: &str) -> Encrypted<Memory> {
    Encrypted::over(Memory::new(), Keys::parse(keys).unwrap())
}

/// Bytes that begin like a picture and repeat late.
fn picture(size: usize) -> Bytes {
    PNG.into_iter()
        .chain((0_u32..).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()))
        .take(size)
        .collect()
}

async fn object(store: &Encrypted<Memory>, id: Uuid) -> Bytes {
    store.inner.get(id).await.unwrap().unwrap().into_bytes().await.unwrap()
}

async fn place(store: &Encrypted<Memory>, id: Uuid, object: impl Into<Bytes>) {
    store.inner.put(id, object.into().into()).await.unwrap();
}

/// What is handed on of an image, and how it ends.
async fn read(store: &Encrypted<Memory>, id: Uuid) -> (Vec<u8>, Result<(), StoreError>) {
    let mut came = Vec::new();
    let image = match store.get(id).await {
        Ok(image) => image.unwrap(),
        Err(error) => return (came, Err(error)),
    };
    let mut content = image.content;
    loop {
        match content.try_next().await {
            Ok(Some(chunk)) => came.extend_from_slice(&chunk),
            Ok(None) => return (came, Ok(())),
            Err(error) => return (came, Err(error)),
        }
    }
}

#[tokio::test]
async fn nothing_of_a_picture_is_in_its_object() {
    let store = store(KEY);
    let put = picture(200_000);
    store.put(ID, put.clone().into()).await.unwrap();
    let object = object(&store, ID).await;
    let runs: std::collections::HashSet<&[u8]> = put.windows(PNG.len()).collect();
    assert!(object.windows(PNG.len()).all(|run| !runs.contains(run)));
}

#[tokio::test]
async fn one_picture_put_twice_makes_two_objects_that_share_nothing() {
    let store = store(KEY);
    let put = picture(100_000);
    store.put(ID, put.clone().into()).await.unwrap();
    let first = object(&store, ID).await;
    store.put(ID, put.into()).await.unwrap();
    let second = object(&store, ID).await;
    let runs: std::collections::HashSet<&[u8]> = first[Header::BYTES..].windows(8).collect();
    assert!(second[Header::BYTES..].windows(8).all(|run| !runs.contains(run)));
}

/// Index of a chunk's first byte in its object.
fn at(chunk: usize) -> usize {
    Header::BYTES + chunk * SEALED_BYTES
}

#[tokio::test]
async fn trouble_of_the_backend_is_told_as_it_is() {
    let store = store(KEY);
    store.put(ID, picture(10).into()).await.unwrap();
    store.inner.set_away(true);
    assert!(matches!(store.get(ID).await, Err(StoreError::Away)));
    assert!(matches!(store.get_range(ID, 0..1).await, Err(StoreError::Away)));
    assert!(matches!(store.put(ID, picture(20).into()).await, Err(StoreError::Away)));
    assert!(matches!(store.check().await, Err(StoreError::Away)));
    store.inner.set_away(false);
    assert_eq!(read(&store, ID).await.0, picture(10));
}

#[tokio::test]
async fn object_of_this_layout_is_read_by_every_later_version() {
    // Made by the first version that encrypted: key KEY, id ID, content `A picture of the first days`.
    let object = hex::decode(concat!(
        "53484b44454e4331b8ac399db9d22a3556d315e153d133d8caa354aa044fc8ab68f9e199e87828c161d22d7ccf5c013c",
        "1b0000000000000075958c6d4d1d2622848bfd1414808153ad4e8961525e020d5f7f4b60c4679cbff6b97289665239b5",
        "5b34c0",
    ))
    .unwrap();
    let store = store(KEY);
    place(&store, ID, object).await;
    let (came, end) = read(&store, ID).await;
    end.unwrap();
    assert_eq!(came, b"A picture of the first days");
}
