//! `/gallery`: the form for a new portrait, and all that live.

use askama::Template;

use super::{Description, FormError, Shell};

/// The gallery page.
#[derive(Debug, Clone, Template)]
#[template(path = "gallery.html")]
pub struct Gallery {
    /// Around it.
    pub shell: Shell,
    /// On top.
    pub upload: UploadForm,
    /// Newest first; one page of them.
    pub cards: Vec<Card>,
    /// The page before this one, whose images are newer, is `/gallery?page={newer_page}`.
    pub newer_page: Option<usize>,
    /// The page after this one, whose images are older, is `/gallery?page={older_page}`.
    pub older_page: Option<usize>,
}

/// What the form for a photo needs. Fields, in this order: `csrf`, `nonce`, `effect`, `ttl_seconds`, `image`.
#[derive(Debug, Clone, Default)]
pub struct UploadForm {
    /// Makes a form that is sent twice one upload.
    pub nonce: String,
    /// The most bytes that a photo may have.
    pub max_bytes: u64,
    /// The longest that an image may live, in seconds; it is also the default.
    pub longest_seconds: u64,
    /// The effect chosen before, if any.
    pub effect: Option<String>,
    /// The time to live chosen before, if any, in seconds.
    pub ttl_seconds: Option<u64>,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

/// One live image.
#[derive(Debug, Clone)]
pub struct Card {
    /// Of the image; its page is `/gallery/{id}`, its picture `/gallery/{id}/picture`.
    pub id: String,
    /// `halftone` or `duotone`.
    pub effect: String,
    /// Until it is gone, counted when the page was made.
    pub seconds_left: u64,
    /// From its creation to its end.
    pub lifetime_seconds: u64,
    /// What it looks like.
    pub description: Description,
}
