//! The story as a browser sees it, as plain data.

use super::Story;

/// The story as a browser sees it.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// Why there was no browser to look with, where there was none.
    pub without: Option<String>,
    /// What a person did and saw, as facts.
    pub story: Story,
    /// The same person's story in a browser that runs no scripts.
    pub without_scripts: Story,
    /// Errors on the browser's console, each with the page's path.
    pub console: Vec<String>,
    /// Everything that the browser fetched.
    pub fetched: Vec<Fetched>,
    /// Each page as it was laid out.
    pub pages: Vec<Page>,
}

/// Something that the browser fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Origin and path, without the query, which may hold a signature.
    pub url: String,
    /// Whether it is of the stack's own origin.
    pub own: bool,
    /// The status, or why there was none.
    pub status: Result<u16, String>,
}

/// A page as it was laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its path.
    pub path: String,
    /// Width of the viewport in CSS pixels.
    pub width: u32,
    /// How many CSS pixels stick out on the right of the viewport.
    pub overflow: u32,
    /// Fields, buttons and links that have no name for who cannot see them, each told by its tag and name.
    pub nameless: Vec<String>,
    /// Number of main headings.
    pub headings: usize,
    /// The language it says it is in.
    pub language: String,
    /// Bytes of the page and everything it loads, but for people's own pictures.
    pub bytes: u64,
}
