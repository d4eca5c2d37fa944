//! A page for what went wrong.

use askama::Template;

use super::{Shell, time_left};

/// An error, told kindly.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// Around it.
    pub shell: Shell,
    /// HTTP status of the answer that carries this page.
    pub status: u16,
    /// What happened, in a few words: "This image is gone".
    pub title: String,
    /// What that means and what can be done about it, in whole sentences.
    pub detail: String,
    /// For whoever is asked about it.
    pub request_id: String,
    /// When to try again, in seconds.
    pub retry_after_seconds: Option<u64>,
}

impl ErrorPage {
    fn retry_after(&self) -> Option<String> {
        self.retry_after_seconds.map(time_left::words)
    }
}
