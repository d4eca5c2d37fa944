//! `/gallery`: the form for a new portrait, and all that live.

use askama::Template;

use super::Shell;
use super::assets;
use super::description::{self, Description};
use super::form::{self, FormError};
use super::time_left::{self, TimeLeft};

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

/// An effect to choose.
struct EffectChoice {
    name: &'static str,
    title: &'static str,
    /// What it does, in a line.
    line: &'static str,
    sample: &'static str,
    width: u32,
    height: u32,
    chosen: bool,
}

/// A time to live to choose.
struct LifetimeChoice {
    seconds: u64,
    words: String,
    chosen: bool,
}

impl Gallery {
    fn wrong(&self, field: &str) -> Option<&str> {
        form::wrong(self.upload.error.as_ref(), field)
    }

    fn effects(&self) -> [EffectChoice; 2] {
        let duotone = self.upload.effect.as_deref() == Some("duotone");
        [
            EffectChoice {
                name: "halftone",
                title: "Halftone",
                line: "Dots of four inks on warm paper.",
                sample: assets::path("sample-halftone.jpg"),
                width: 304,
                height: 380,
                chosen: !duotone,
            },
            EffectChoice {
                name: "duotone",
                title: "Duotone",
                line: "From midnight blue through magenta to cream.",
                sample: assets::path("sample-duotone.jpg"),
                width: 264,
                height: 330,
                chosen: duotone,
            },
        ]
    }

    fn lifetimes(&self) -> Vec<LifetimeChoice> {
        let longest = self.upload.longest_seconds;
        let choices = time_left::choices(longest);
        let chosen = self.upload.ttl_seconds.filter(|seconds| choices.contains(seconds)).unwrap_or(longest);
        choices
            .into_iter()
            .map(|seconds| LifetimeChoice {
                seconds,
                words: time_left::words(seconds),
                chosen: seconds == chosen,
            })
            .collect()
    }

    fn most(&self) -> String {
        description::bytes(self.upload.max_bytes)
    }
}

impl Card {
    fn alt(&self) -> String {
        description::alt(&self.effect, &self.description)
    }

    fn time_left(&self) -> TimeLeft {
        TimeLeft { seconds: self.seconds_left, lifetime_seconds: self.lifetime_seconds }
    }

    /// Its palette as a strip, with the place of each colour.
    fn five(&self) -> impl Iterator<Item = (usize, &str)> {
        self.description.swatches().map(|swatch| swatch.colour).enumerate().take(5)
    }
}
