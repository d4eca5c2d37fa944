//! A multipart upload: parts that nobody sees, and a last request that makes an object of them.

use std::sync::Arc;

use http::header;
use rusty_s3::actions::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, HeadObject, ListParts, UploadPart,
};
use time::OffsetDateTime;
use tokio::runtime::Handle;

use super::error::{S3Error, Trouble};
use super::remote::{Remote, moment};
use crate::StoreError;
use crate::content::Pieces;

const BEGIN: &str = "begin an upload";

/// An upload on its way. Parts without an end are of no use to anybody, so they go when their writer fails or gives up;
/// what a crash leaves, `clean_leftovers` finds.
pub(super) struct Upload {
    remote: Arc<Remote>,
    key: String,
    id: String,
    /// When it began by the clock of the store, in whole seconds, rounded down.
    begun: OffsetDateTime,
    /// Completed or aborted, by us or by another.
    over: bool,
}

impl Upload {
    /// Begins an upload to the end, whether anybody still waits for it or not: one whose id was never heard could not be
    /// aborted.
    pub(super) async fn begin(remote: &Arc<Remote>, key: String) -> Result<Self, S3Error> {
        let beginning = Self::begin_undisturbed(Arc::clone(remote), key);
        match tokio::spawn(beginning).await {
            Ok(begun) => begun,
            Err(stopped) => Err(remote.error(BEGIN, Trouble::BrokenOff { reason: stopped.to_string() })),
        }
    }

    async fn begin_undisturbed(remote: Arc<Remote>, key: String) -> Result<Self, S3Error> {
        let create = CreateMultipartUpload::new(&remote.bucket, Some(&remote.credentials), &key);
        let mut ask = remote.look(BEGIN, &create);
        // The second would be an upload that nobody knows of.
        ask.repeatable = false;
        let answer = remote.ask(&ask).await?;
        let begun = moment(answer.headers(), header::DATE).unwrap_or_else(OffsetDateTime::now_utc);
        let document = remote.document(BEGIN, answer).await?;
        let created = CreateMultipartUpload::parse_response(&document)
            .map_err(|_| remote.unintelligible(BEGIN, "an upload without an id"))?;
        let id = created.upload_id().to_owned();
        Ok(Self { remote, key, id, begun, over: false })
    }

    /// Puts all pieces as parts of that length, and makes an object of them.
    pub(super) async fn put(mut self, pieces: Pieces, part_bytes: usize) -> Result<(), StoreError> {
        let put = self.parts(pieces, part_bytes).await;
        if put.is_err() && !self.over {
            // The error is what somebody has to know of, not that there is something left to tidy up.
            let _ = abort(&self.remote, &self.key, &self.id).await;
            self.over = true;
        }
        put
    }

    async fn parts(&mut self, mut pieces: Pieces, part_bytes: usize) -> Result<(), StoreError> {
        let mut tags = Vec::new();
        loop {
            let piece = pieces.next(part_bytes).await?;
            let last = piece.len() < part_bytes;
            if !piece.is_empty() && !self.over {
                match self.part(tags.len() + 1, piece).await {
                    Ok(tag) => tags.push(tag),
                    Err(error) => self.lost(error).await?,
                }
            }
            if last && !self.over {
                match self.complete(&tags).await {
                    Ok(()) => self.over = true,
                    Err(error) => self.lost(error).await?,
                }
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Whoever completes an upload of a key ends all that began earlier: those have no upload any more, and would have been
    /// replaced at once. That is no error of theirs, and what is left of their content is read for nothing.
    async fn lost(&mut self, error: S3Error) -> Result<(), S3Error> {
        let error = self.refusal_behind(error).await;
        if !error.is_no_such_upload() {
            return Err(error);
        }
        self.over = true;
        let head = HeadObject::new(&self.remote.bucket, Some(&self.remote.credentials), &self.key);
        let replaced = match self.remote.ask(&self.remote.look("look at an object", &head)).await {
            Ok(object) => moment(object.headers(), header::LAST_MODIFIED).is_some_and(|at| at >= self.begun),
            Err(_) => false,
        };
        if replaced { Ok(()) } else { Err(error) }
    }

    /// A server that refuses a part may close before it has read all of it, and its answer is lost with the connection.
    /// So after a connection that broke off the server is asked whether it still knows of the upload.
    async fn refusal_behind(&self, error: S3Error) -> S3Error {
        if !error.is_broken_off() {
            return error;
        }
        let remote = &self.remote;
        let list = ListParts::new(&remote.bucket, Some(&remote.credentials), &self.key, &self.id);
        match remote.ask(&remote.look("look at an upload", &list)).await {
            Err(refusal) if refusal.is_no_such_upload() => refusal,
            _ => error,
        }
    }

    /// Puts one part, and answers with its tag.
    pub(super) async fn part(&self, number: usize, piece: Vec<u8>) -> Result<String, S3Error> {
        const OPERATION: &str = "put a part of an object";
        let remote = &self.remote;
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        let put = UploadPart::new(&remote.bucket, Some(&remote.credentials), &self.key, number, &self.id);
        let answer = remote.ask(&remote.write(OPERATION, &put, piece.into())).await?;
        let tag = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
        tag.map(str::to_owned).ok_or_else(|| remote.unintelligible(OPERATION, "a part without a tag"))
    }

    async fn complete(&self, tags: &[String]) -> Result<(), S3Error> {
        const OPERATION: &str = "complete an upload";
        let remote = &self.remote;
        let complete = || {
            let tags = tags.iter().map(String::as_str);
            CompleteMultipartUpload::new(&remote.bucket, Some(&remote.credentials), &self.key, &self.id, tags)
        };
        let mut ask = remote.write(OPERATION, &complete(), complete().body().into());
        // The first may have been heard: then the second finds no upload, and would call a success a failure.
        ask.repeatable = false;
        let answer = remote.ask(&ask).await?;
        remote.document(OPERATION, answer).await.map(drop)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        if !self.over {
            let (remote, key, id) = (Arc::clone(&self.remote), self.key.clone(), self.id.clone());
            runtime.spawn(async move { abort(&remote, &key, &id).await });
        }
    }
}

/// Gives an upload up. That it is no more is fine.
pub(super) async fn abort(remote: &Remote, key: &str, id: &str) -> Result<(), S3Error> {
    let abort = AbortMultipartUpload::new(&remote.bucket, Some(&remote.credentials), key, id);
    match remote.ask(&remote.look("abort an upload", &abort)).await {
        Err(error) if !error.is_no_such_upload() => Err(error),
        _ => Ok(()),
    }
}
