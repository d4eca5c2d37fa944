//! Pages as data, and the HTML they become.
//!
//! The server fills one of these structs and calls [`render`]. Every text may be hostile: templates escape
//! all of it. Addresses in a page are the server's own paths, apart from [`Image::link`].

pub mod assets;

mod account;
mod colour_name;
mod description;
mod error_page;
mod fingerprint;
mod form;
mod gallery;
mod image;
mod job;
mod landing;
mod shell;
mod time_left;

use askama::Template;

pub use account::{Account, LogIn, SignUp};
pub use description::Description;
pub use error_page::ErrorPage;
pub use form::{FieldError, FormError};
pub use gallery::{Card, Gallery, UploadForm};
pub use image::Image;
pub use job::{Job, JobProgress, JobState};
pub use landing::Landing;
pub use shell::Shell;
pub use time_left::words as length_in_words;

/// The page as HTML.
///
/// # Panics
///
/// Never, as long as every value in a page can be printed: nothing else can go wrong while writing to memory.
pub fn render(page: &impl Template) -> String {
    page.render().expect("numbers and texts can always be printed to memory")
}
