//! What is in a bucket, page by page.

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use rusty_s3::actions::ListObjectsV2;
use rusty_s3::actions::list_objects_v2::ListObjectsContent;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::S3;
use super::error::S3Error;
use crate::backend::id_of;
use crate::{ImageInfo, StoreError};

const OPERATION: &str = "list the bucket";

impl S3 {
    pub(super) fn list_images(&self) -> BoxStream<'_, Result<ImageInfo, StoreError>> {
        // Probes, and whatever else a person put there, have no id for a key.
        self.objects("")
            .map_err(StoreError::from)
            .try_filter_map(move |object| async move {
                let Some(id) = id_of(&object.key) else { return Ok(None) };
                let (Some(size_bytes), Some(created_at)) =
                    (object.size, object.last_modified.as_deref().and_then(at))
                else {
                    let found = "an object without a length or a time";
                    return Err(self.remote.unintelligible(OPERATION, found).into());
                };
                Ok(Some(ImageInfo { id, size_bytes, created_at }))
            })
            .boxed()
    }

    /// Every object whose key begins with `prefix`.
    pub(super) fn objects<'a>(
        &'a self,
        prefix: &'a str,
    ) -> BoxStream<'a, Result<ListObjectsContent, S3Error>> {
        stream::try_unfold(Some(None), move |page: Option<Option<String>>| async move {
            let Some(token) = page else { return Ok(None) };
            let remote = &self.remote;
            let mut list = ListObjectsV2::new(&remote.bucket, Some(&remote.credentials));
            list.with_prefix(prefix);
            if let Some(token) = token {
                list.with_continuation_token(token);
            }
            let answer = remote.ask(&remote.look(OPERATION, &list)).await?;
            let document = remote.document(OPERATION, answer).await?;
            let page = ListObjectsV2::parse_response(&document)
                .map_err(|_| remote.unintelligible(OPERATION, "a listing that is none"))?;
            let next = page.next_continuation_token.map(Some);
            Ok(Some((stream::iter(page.contents).map(Ok), next)))
        })
        .try_flatten()
        .boxed()
    }
}

/// A moment in a listing, such as `2026-11-21T20:00:00.123Z`.
pub(super) fn at(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}
