//! `/gallery/{id}`: one portrait, its description, its link, and how long it has.

use askama::Template;

use super::Shell;
use super::description::{self, Description};
use super::time_left::{self, TimeLeft};

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

impl Image {
    fn title(&self) -> String {
        description::title(&self.effect)
    }

    fn alt(&self) -> String {
        description::alt(&self.effect, &self.description)
    }

    fn time_left(&self) -> TimeLeft {
        TimeLeft { seconds: self.seconds_left, lifetime_seconds: self.lifetime_seconds }
    }

    fn link_hint(&self) -> String {
        match self.link_seconds_left {
            Some(seconds) if seconds < self.seconds_left => format!(
                "It works for whoever has it, for {}. This page makes a fresh one each time.",
                time_left::words(seconds)
            ),
            _ => "It works for whoever has it, as long as the portrait lives.".to_owned(),
        }
    }
}
