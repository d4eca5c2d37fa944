//! `/gallery/{id}`: one portrait, its description, its link, and how long it has.

use askama::Template;

use super::Shell;

/// A result page.
#[derive(Debug, Clone, Template)]
#[template(path = "image.html")]
pub struct Image {
    /// Around it.
    pub shell: Shell,
    /// Of the image; its picture is `/gallery/{id}/picture`, the way to delete it `/gallery/{id}/delete`.
    pub id: String,
    /// `halftone` or `duotone`.
    pub effect: String,
    /// Until it is gone, counted when the page was made.
    pub seconds_left: u64,
    /// From its creation to its end.
    pub lifetime_seconds: u64,
    /// What it looks like.
    pub description: Description,
    /// The signed link, for sending to somebody.
    pub link: String,
    /// Until that link dies, counted when the page was made; `None` where nobody knows.
    pub link_seconds_left: Option<u64>,
}

/// What a picture looks like, in a few words.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Of the file, in bytes.
    pub size_bytes: u64,
    /// As `#rrggbb`, the one that covers most first.
    pub palette: Vec<String>,
    /// 16 hexadecimal digits.
    pub perceptual_hash: String,
    /// A blurred placeholder in a few characters.
    pub blurhash: String,
}
