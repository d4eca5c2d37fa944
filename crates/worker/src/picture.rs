//! From the bytes somebody uploaded to a stylised picture and a description of it. Pure: no I/O, no clock.
//!
//! ```text
//! bytes -> inspect -> decode (bounded, oriented, without metadata) -> effect -> encode -> describe
//! ```
//!
//! The same bytes and effect always give the same output.

// Pictures are arithmetic between pixel counts, samples and floats; all of them are far below 2^23.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
// x, y, u, v, r, g, b are the names of these things.
#![allow(clippy::many_single_char_names)]

mod colour;
mod decode;
mod describe;
mod duotone;
mod encode;
mod error;
mod halftone;
mod inspect;
mod noise;
mod plane;

use bytes::Bytes;
use image::Rgb32FImage;
use jobs::Effect;

pub use decode::decode;
pub use describe::{Description, describe};
pub use encode::{CONTENT_TYPE, encode};
pub use error::PictureError;
pub use inspect::{Inspection, MAX_BYTES, MAX_PIXELS, inspect};

/// Both edges of an output are at most this many pixels.
pub const LONG_EDGE: u32 = 1080;

/// A finished output.
#[derive(Debug, Clone)]
pub struct Output {
    /// The picture file, of type [`CONTENT_TYPE`].
    pub content: Bytes,
    /// What it looks like.
    pub description: Description,
}

/// Makes the output of a job out of what was uploaded.
pub fn make(input: &[u8], inspection: &Inspection, effect: Effect) -> Result<Output, PictureError> {
    let canvas = decode(input, inspection)?;
    let content = encode(&apply(&canvas, effect))?;
    // Described is what people get, after the losses of its encoding.
    let description =
        describe(&image::load_from_memory(&content).map_err(PictureError::unreadable_output)?.into_rgb8())?;
    Ok(Output { content, description })
}

/// Draws a canvas (linear light, 0 to 1) in the manner of an effect, at the size it has.
pub fn apply(canvas: &Rgb32FImage, effect: Effect) -> image::RgbImage {
    match effect {
        Effect::Halftone => halftone::draw(canvas),
        Effect::Duotone => duotone::draw(canvas),
    }
}
