//! What a real server answers to settings that are wrong, or when it has no room.

use rstest::rstest;

use super::*;

const OTHER_SECRET: &str = "00000000000000000000000000000000000000000000000000000000000000ff";

#[rstest]
#[case::unknown_key(
    "garage",
    "images",
    "GK000000000000000000000000",
    TestGarage::SECRET,
    "refuses the access key (403"
)]
#[case::wrong_secret("garage", "images", TestGarage::KEY_ID, OTHER_SECRET, "refuses the access key (403")]
#[case::no_such_bucket(
    "garage",
    "nowhere",
    TestGarage::KEY_ID,
    TestGarage::SECRET,
    "no such bucket; make it, or set S3_BUCKET"
)]
#[case::wrong_region(
    "eu-west-1",
    "images",
    TestGarage::KEY_ID,
    TestGarage::SECRET,
    "`eu-west-1` for its region (it is `garage`); set S3_REGION"
)]
#[ignore = "needs garage on the PATH"]
#[tokio::test]
async fn wrong_setting_is_named_by_every_operation(
    #[case] region: &str,
    #[case] bucket: &str,
    #[case] key_id: &str,
    #[case] secret: &str,
    #[case] expected: &str,
) {
    let garage = TestGarage::start().await;
    let config = garage.config_with(region, bucket, key_id, secret);
    all_say(&S3::new(&config), expected).await;
    all_say(&encrypted(S3::new(&config)), expected).await;
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn tls_to_a_plain_port_is_told_as_such() {
    let garage = TestGarage::start().await;
    let endpoint = garage.endpoint().replace("http://", "https://");
    let config = super::trouble::at(&endpoint);
    all_say(&S3::new(&config), "no TLS there").await;
    all_say(&S3::new(&config), "S3_ENDPOINT begins with http://").await;
}

#[rstest]
#[case::in_one_request(200_000)]
#[case::in_parts(PART_BYTES + 1)]
#[ignore = "needs garage on the PATH"]
#[tokio::test]
async fn image_for_which_the_quota_leaves_no_room_is_refused_and_what_was_there_stays(#[case] size: usize) {
    let garage = TestGarage::start().await;
    let store = encrypted(garage.store());
    let id = Uuid::new_v4();
    store.put(id, Bytes::from_static(b"image").into()).await.unwrap();
    garage.command(&["bucket", "set-quotas", "--max-size", "100KiB", TestGarage::BUCKET]);
    let refused = store.put(id, pattern(size).into()).await.unwrap_err();
    assert!(refused.is_full() && refused.to_string().contains("make room there"), "{refused}");
    assert_eq!(store.get(id).await.unwrap().unwrap().into_bytes().await.unwrap(), b"image"[..]);
    assert_eq!(store.clean_leftovers(Duration::ZERO).await.unwrap(), 0);
    assert!(store.delete(id).await.unwrap(), "a full store can be emptied");
}

#[rstest]
#[case::altered(|object: &mut Vec<u8>| object[100] ^= 1)]
#[case::cut_off(|object: &mut Vec<u8>| object.truncate(150_000))]
#[case::emptied(Vec::clear)]
#[case::in_plain(|object: &mut Vec<u8>| *object = b"a picture in plain".to_vec())]
#[ignore = "needs garage on the PATH"]
#[tokio::test]
async fn object_that_was_changed_in_the_bucket_is_refused_and_stays(#[case] alter: fn(&mut Vec<u8>)) {
    let garage = TestGarage::start().await;
    let (bare, store) = (garage.store(), encrypted(garage.store()));
    let id = Uuid::new_v4();
    store.put(id, pattern(200_000).into()).await.unwrap();
    let mut object = bare.get(id).await.unwrap().unwrap().into_bytes().await.unwrap().to_vec();
    alter(&mut object);
    bare.put(id, Bytes::from(object).into()).await.unwrap();
    let refused = store.get(id).await.map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
    let refused = store.get_range(id, 100..200).await.map(drop).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
    assert!(store.delete(id).await.unwrap());
}

#[tokio::test]
#[ignore = "needs garage on the PATH"]
async fn object_deleted_behind_our_back_is_absent_and_no_error() {
    let garage = TestGarage::start().await;
    let store = encrypted(garage.store());
    let id = Uuid::new_v4();
    store.put(id, pattern(200_000).into()).await.unwrap();
    garage.store().delete_key(&id.to_string()).await.unwrap();
    assert!(store.get(id).await.unwrap().is_none());
    assert!(!store.delete(id).await.unwrap());
}
