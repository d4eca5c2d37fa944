//! Style sheet, scripts and pictures, compiled in. Their names carry a hash of their content, so a browser may
//! keep them for ever.

/// A file that pages refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// For the `Content-Type` header.
    pub content_type: &'static str,
    /// What it holds; other assets in it are named with their hashes.
    pub content: &'static [u8],
}

/// The asset of this name, such as `page.0123456789abcdef.css`; the path is `/assets/{name}`.
pub fn find(_name: &str) -> Option<Asset> {
    None
}
