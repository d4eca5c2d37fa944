//! `/` for people who are not signed in: what this is, in pictures.

use askama::Template;

use super::time_left::{self, TimeLeft};
use super::{Description, Shell};

/// The sample on the page lives for as long as it takes to read it.
const SAMPLE_SECONDS: u64 = 120;

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

    /// One of the prints on the page shows what becomes of prints.
    fn sample_time() -> TimeLeft {
        TimeLeft { seconds: SAMPLE_SECONDS, lifetime_seconds: SAMPLE_SECONDS }
    }

    /// What the worker says of the halftone that the page shows, at its full size; `make_samples` prints it.
    fn sample() -> Description {
        Description {
            width: 800,
            height: 1000,
            size_bytes: 797_139,
            palette: ["#cbaf9f", "#a19592", "#f2dbc6", "#937166", "#6b3b29"].map(str::to_owned).to_vec(),
            perceptual_hash: "8db2f228d28eb9c9".to_owned(),
            blurhash: "TNMP];juFf}?WBt7X.of%0nOjZkD".to_owned(),
        }
    }
}
