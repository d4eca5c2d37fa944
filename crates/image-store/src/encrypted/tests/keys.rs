//! Keys are lost, found again and renewed.

use super::*;

#[tokio::test]
async fn image_whose_key_is_lost_is_refused_by_name_kept_and_read_again_with_the_key() {
    let before = store(KEY);
    let put = picture(100_000);
    before.put(ID, put.clone().into()).await.unwrap();
    let kept = object(&before, ID).await;

    let without = store(OTHER_KEY);
    place(&without, ID, kept.clone()).await;
    let refusals =
        [without.get(ID).await.unwrap_err(), without.get_range(ID, 0..1).await.map(drop).unwrap_err()];
    for said in refusals.map(|refused| refused.to_string()) {
        let (lost, held) = (before.keys.first().id, without.keys.first().id);
        assert_eq!(
            said,
            format!(
                "image {ID} was encrypted with key {lost}, which IMAGE_ENCRYPTION_KEY does not hold (it holds {held}); \
                 nothing was removed: add the lost key as a further line, and the image can be read again"
            )
        );
        assert!(!said.contains("guess"), "a key was shown");
    }
    assert_eq!(object(&without, ID).await, kept);
    assert_eq!(without.head(ID).await.unwrap().unwrap().size_bytes, 100_000);

    let again = store(&format!("{OTHER_KEY}\n{KEY}"));
    place(&again, ID, kept).await;
    assert_eq!(again.get(ID).await.unwrap().unwrap().into_bytes().await.unwrap(), put);
}

#[tokio::test]
async fn key_that_claims_the_name_of_another_opens_nothing() {
    let (store, other) = (store(KEY), store(OTHER_KEY));
    store.put(ID, picture(1_000).into()).await.unwrap();
    let mut renamed = object(&store, ID).await.to_vec();
    renamed[8..16].copy_from_slice(&other.keys.first().id.0);
    place(&other, ID, renamed).await;
    assert!(matches!(other.get(ID).await, Err(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn after_a_rotation_the_new_key_writes_and_the_old_one_still_reads() {
    let old = store(KEY);
    old.put(ID, picture(1_000).into()).await.unwrap();
    let both = store(&format!("{OTHER_KEY}\n{KEY}"));
    place(&both, ID, object(&old, ID).await).await;
    both.put(OTHER_ID, picture(2_000).into()).await.unwrap();
    assert_eq!(both.get(ID).await.unwrap().unwrap().into_bytes().await.unwrap(), picture(1_000));
    let written = object(&both, OTHER_ID).await;
    assert_eq!(Header::parse(&written).unwrap().key, store(OTHER_KEY).keys.first().id);
}
