//! Whatever was altered, cut off or put elsewhere is refused, and stays.

use futures::executor::block_on;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// Puts an altered object in the place of `ID`'s and sees that it is refused, by whole and by range, and that nothing
/// is destroyed.
async fn refused(store: &Encrypted<Memory>, put: &[u8], altered: Vec<u8>) -> StoreError {
    place(store, ID, altered.clone()).await;
    let (came, end) = read(store, ID).await;
    let error = end.expect_err("an altered object was read to its end");
    assert!(came.len() < put.len() || put.is_empty(), "all of it came");
    assert!(put.starts_with(&came), "bytes came that were never put");
    let last = put.len().saturating_sub(1) as u64;
    for range in [0..1, last..last + 1] {
        if let Ok(Some(part)) = store.get_range(ID, range.clone()).await {
            let place = usize::try_from(range.start).unwrap();
            if let Ok(came) = part.into_bytes().await {
                assert_eq!(came, put[place..(place + 1).min(put.len())], "{range:?}");
            }
        }
    }
    assert_eq!(object(store, ID).await, altered, "it was changed by reading");
    assert_eq!(store.list().try_collect::<Vec<_>>().await.unwrap().len(), 1, "it is no longer listed");
    error
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn object_with_any_one_bit_flipped_is_refused(
        size in prop::sample::select(vec![0, 1, 1_000, CHUNK_BYTES, 150_000]),
        place in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        block_on(async {
            let (store, put) = (store(KEY), picture(size));
            store.put(ID, put.clone().into()).await.unwrap();
            let mut altered = object(&store, ID).await.to_vec();
            let place = place.index(altered.len());
            altered[place] ^= 1_u8 << bit;
            refused(&store, &put, altered).await;
        });
    }

    #[test]
    fn object_cut_off_anywhere_is_refused_before_its_first_byte(
        size in prop::sample::select(vec![0, 1, 1_000, CHUNK_BYTES, 150_000]),
        place in any::<prop::sample::Index>(),
    ) {
        block_on(async {
            let (store, put) = (store(KEY), picture(size));
            store.put(ID, put.clone().into()).await.unwrap();
            let mut altered = object(&store, ID).await.to_vec();
            altered.truncate(place.index(altered.len()));
            refused(&store, &put, altered).await;
            assert!(store.get(ID).await.is_err());
        });
    }
}

#[rstest]
#[case::cut_after_a_chunk(|object: &mut Vec<u8>| object.truncate(at(1)))]
#[case::cut_after_the_header(|object: &mut Vec<u8>| object.truncate(Header::BYTES))]
#[case::emptied(Vec::clear)]
#[case::longer(|object: &mut Vec<u8>| object.push(0))]
#[case::with_a_chunk_twice(|object: &mut Vec<u8>| { let chunk = object[at(0)..at(1)].to_vec(); object.splice(at(1)..at(1), chunk); })]
#[case::without_a_chunk(|object: &mut Vec<u8>| drop(object.drain(at(1)..at(2))))]
#[case::cut_after_a_chunk_with_a_length_to_match(|object: &mut Vec<u8>| {
    object.truncate(at(1));
    object[48..56].copy_from_slice(&(CHUNK_BYTES as u64).to_le_bytes());
})]
#[case::with_the_first_two_chunks_swapped(|object: &mut Vec<u8>| {
    let chunk: Vec<u8> = object.drain(at(0)..at(1)).collect();
    object.splice(at(1)..at(1), chunk);
})]
#[case::in_plain(|object: &mut Vec<u8>| { object.clear(); object.extend(picture(1_000)); })]
#[tokio::test]
async fn object_is_refused_before_its_first_byte(#[case] alter: fn(&mut Vec<u8>)) {
    let (store, put) = (store(KEY), picture(3 * CHUNK_BYTES + 7));
    store.put(ID, put.clone().into()).await.unwrap();
    let mut altered = object(&store, ID).await.to_vec();
    alter(&mut altered);
    let said = refused(&store, &put, altered).await.to_string();
    assert!(said.contains(&ID.to_string()) && said.contains("nothing was removed"), "{said}");
    assert!(matches!(store.get(ID).await, Err(StoreError::Damaged { .. })), "an answer began");
    assert!(store.delete(ID).await.unwrap(), "it can still be deleted");
}

#[tokio::test]
async fn alteration_in_a_later_chunk_ends_the_stream_in_an_error_that_names_image_and_key() {
    let (store, put) = (store(KEY), picture(3 * CHUNK_BYTES));
    store.put(ID, put.clone().into()).await.unwrap();
    let mut altered = object(&store, ID).await.to_vec();
    altered[at(2)] ^= 1;
    place(&store, ID, altered).await;
    let (came, end) = read(&store, ID).await;
    assert_eq!(came, put[..2 * CHUNK_BYTES]);
    let key = store.keys.first().id;
    assert_eq!(
        end.unwrap_err().to_string(),
        format!(
            "image {ID} (encrypted with key {key}) is damaged: its bytes are not those that were put, or they are \
             another image's; nothing was removed: put back its object from a copy, or delete the image"
        )
    );
    let before = store.get_range(ID, 0..CHUNK_BYTES as u64).await.unwrap().unwrap();
    assert_eq!(before.into_bytes().await.unwrap(), put[..CHUNK_BYTES], "a range without the damage is sound");
}

#[rstest]
#[case::of_one_length(1_000, 1_000)]
#[case::of_two_lengths(1_000, 70_000)]
#[tokio::test]
async fn two_objects_that_were_swapped_are_both_refused(#[case] size: usize, #[case] other_size: usize) {
    let store = store(KEY);
    store.put(ID, picture(size).into()).await.unwrap();
    store.put(OTHER_ID, picture(other_size).into()).await.unwrap();
    let (one, other) = (object(&store, ID).await, object(&store, OTHER_ID).await);
    place(&store, ID, other).await;
    place(&store, OTHER_ID, one).await;
    for id in [ID, OTHER_ID] {
        let refused = store.get(id).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Damaged { id: named, .. } if *named == id), "{refused}");
    }
}
