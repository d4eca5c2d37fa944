//! What a crash left in a bucket: uploads that were never completed, and probes.

use std::time::Duration;

use futures::TryStreamExt;
use http::header;
use instant_xml::FromXml;
use rusty_s3::S3Action;
use rusty_s3::actions::GetObject;
use time::OffsetDateTime;

use super::error::S3Error;
use super::listing::at;
use super::remote::moment;
use super::upload::abort;
use super::{PROBES, S3};

const OPERATION: &str = "list the uploads";
/// The namespace of S3's documents.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A page of `ListMultipartUploads`, which rusty-s3 does not know.
#[derive(FromXml)]
#[xml(rename = "ListMultipartUploadsResult", ns(NAMESPACE))]
struct Page {
    #[xml(rename = "IsTruncated")]
    is_truncated: Option<bool>,
    #[xml(rename = "NextKeyMarker")]
    next_key_marker: Option<String>,
    #[xml(rename = "NextUploadIdMarker")]
    next_upload_id_marker: Option<String>,
    uploads: Vec<Pending>,
}

/// An upload that is neither completed nor aborted.
#[derive(FromXml)]
#[xml(rename = "Upload", ns(NAMESPACE))]
pub(super) struct Pending {
    #[xml(rename = "Initiated")]
    initiated: String,
    #[xml(rename = "Key")]
    pub(super) key: String,
    #[xml(rename = "UploadId")]
    id: String,
}

impl S3 {
    pub(super) async fn remove_leftovers(&self, age: Duration) -> Result<usize, S3Error> {
        let (uploads, now) = self.uploads().await?;
        // What time it is was told in whole seconds, rounded down.
        let latest = now + time::Duration::SECOND;
        let old = |begun: Option<OffsetDateTime>| begun.is_some_and(|begun| latest - begun >= age);
        let mut removed = 0;
        for upload in uploads.iter().filter(|upload| old(at(&upload.initiated))) {
            abort(&self.remote, &upload.key, &upload.id).await?;
            removed += 1;
        }
        let mut probes = self.objects(PROBES);
        while let Some(probe) = probes.try_next().await? {
            if old(probe.last_modified.as_deref().and_then(at)) {
                self.delete_key(&probe.key).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Every upload under way, and what time it is by the clock that stamps them.
    pub(super) async fn uploads(&self) -> Result<(Vec<Pending>, OffsetDateTime), S3Error> {
        let remote = &self.remote;
        let (mut all, mut markers) = (Vec::new(), None);
        loop {
            // GET of the bucket itself, with a query of its own.
            let mut list = GetObject::new(&remote.bucket, Some(&remote.credentials), "");
            list.query_mut().insert("uploads", "");
            if let Some((key, id)) = markers {
                list.query_mut().insert("key-marker", key);
                list.query_mut().insert("upload-id-marker", id);
            }
            let answer = remote.ask(&remote.look(OPERATION, &list)).await?;
            let now = moment(answer.headers(), header::DATE).unwrap_or_else(OffsetDateTime::now_utc);
            let document = remote.document(OPERATION, answer).await?;
            let page: Page = instant_xml::from_str(&document)
                .map_err(|_| remote.unintelligible(OPERATION, "a list of uploads that is none"))?;
            all.extend(page.uploads);
            markers = match (page.is_truncated, page.next_key_marker, page.next_upload_id_marker) {
                (Some(true), Some(key), Some(id)) => Some((key, id)),
                _ => return Ok((all, now)),
            };
        }
    }
}
