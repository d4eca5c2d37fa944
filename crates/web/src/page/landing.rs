//! `/` for people who are not signed in: what this is, in pictures.

use askama::Template;

use super::time_left::{self, TimeLeft};
use super::{Description, Shell};

/// The landing page.
#[derive(Debug, Clone, Template)]
#[template(path = "landing.html")]
pub struct Landing {
    /// Around it.
    pub shell: Shell,
    /// The longest that an image lives here, in seconds.
    pub longest_seconds: u64,
}

impl Landing {
    fn longest(&self) -> String {
        time_left::words(self.longest_seconds)
    }

    /// A lifetime at its beginning, twice between, at its last breath, and over.
    fn fuse() -> [TimeLeft; 5] {
        [60, 40, 20, 4, 0].map(|seconds| TimeLeft { seconds, lifetime_seconds: 60 })
    }

    /// What the worker says of the halftone that the page shows, at its full size; `make_samples` prints it.
    fn sample() -> Description {
        Description {
            width: 800,
            height: 1000,
            size_bytes: 1,
            palette: ["#f7f0e1"].map(str::to_owned).to_vec(),
            perceptual_hash: String::new(),
            blurhash: String::new(),
        }
    }
}
