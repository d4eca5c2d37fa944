//! What only the S3 backend promises: what becomes of uploads, of trouble on the way, of links straight to the store.

mod direct;
mod refused;
mod relay;
mod trouble;
mod uploads;

use bytes::Bytes;
use uuid::Uuid;

use super::*;
use crate::test_garage::TestGarage;
use crate::{Encrypted, Keys};

fn encrypted(store: S3) -> Encrypted<S3> {
    Encrypted::over(store, Keys::parse("a key that nobody would ever guess").unwrap())
}

fn pattern(size: usize) -> Bytes {
    (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

/// What every operation on a store ends in, each with its name.
async fn errors(store: &dyn ImageStore) -> Vec<(&'static str, StoreError)> {
    use futures::TryStreamExt;
    let id = Uuid::new_v4();
    let long = Bytes::from(vec![7; PART_BYTES + 1]);
    vec![
        ("put", store.put(id, Bytes::from_static(b"image").into()).await.unwrap_err()),
        ("put in parts", store.put(id, long.into()).await.unwrap_err()),
        ("get", store.get(id).await.map(drop).unwrap_err()),
        ("get_range", store.get_range(id, 5..9).await.map(drop).unwrap_err()),
        ("head", store.head(id).await.map(drop).unwrap_err()),
        ("delete", store.delete(id).await.map(drop).unwrap_err()),
        ("list", store.list().try_collect::<Vec<_>>().await.map(drop).unwrap_err()),
        ("check", store.check().await.unwrap_err()),
        ("clean_leftovers", store.clean_leftovers(Duration::ZERO).await.map(drop).unwrap_err()),
    ]
}

/// All of them say where, and `expected`, and nothing that is secret or signed.
async fn all_say(store: &dyn ImageStore, expected: &str) {
    for (operation, error) in errors(store).await {
        let said = error.to_string();
        assert!(said.contains(expected), "{operation}: {said}");
        assert!(said.contains("image store at http"), "{operation}: {said}");
        for secret in [TestGarage::SECRET, "Signature", "X-Amz"] {
            assert!(
                !said.contains(secret) && !format!("{error:?}").contains(secret),
                "{operation}: {secret}"
            );
        }
    }
}
