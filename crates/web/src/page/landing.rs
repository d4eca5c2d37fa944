//! `/` for people who are not signed in: what this is, in pictures.

use askama::Template;

use super::Shell;

/// The landing page.
#[derive(Debug, Clone, Template)]
#[template(path = "landing.html")]
pub struct Landing {
    /// Around it.
    pub shell: Shell,
    /// The longest that an image lives here, in seconds.
    pub longest_seconds: u64,
}
