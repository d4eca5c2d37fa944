//! What the api answers, as far as pages need it.

use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

/// A session that was just opened.
#[derive(Deserialize)]
pub(crate) struct Session {
    /// To be kept in the cookie and nowhere else.
    pub(crate) token: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
}

/// The account that a session belongs to.
#[derive(Debug, Deserialize)]
pub(crate) struct Account {
    pub(crate) email: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
}

/// All living images of an account, newest first.
#[derive(Debug, Deserialize)]
pub(crate) struct Images {
    pub(crate) images: Vec<Image>,
}

/// A living image.
#[derive(Debug, Deserialize)]
pub(crate) struct Image {
    pub(crate) id: Uuid,
    pub(crate) effect: String,
    pub(crate) size_bytes: u64,
    pub(crate) description: Description,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) link: String,
}

/// What an image looks like.
#[derive(Debug, Deserialize)]
pub(crate) struct Description {
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    pub(crate) palette: Vec<String>,
    pub(crate) perceptual_hash: String,
    pub(crate) blurhash: String,
}

/// A job, and its image once there is one that lives.
#[derive(Debug, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    pub(crate) state: JobState,
    pub(crate) effect: String,
    pub(crate) failure: Option<String>,
    pub(crate) image: Option<Image>,
}

/// How far a job got.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobState {
    Queued,
    Running,
    Done,
    Failed,
}

impl Image {
    /// When the link dies, as the link itself says (`expires=`, Unix seconds).
    pub(crate) fn link_expires_at(&self) -> Option<OffsetDateTime> {
        let (_, query) = self.link.split_once('?')?;
        let seconds = query.split('&').find_map(|pair| pair.strip_prefix("expires="))?;
        OffsetDateTime::from_unix_timestamp(seconds.parse().ok()?).ok()
    }
}
