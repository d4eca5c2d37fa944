//! What an output looks like, in a few words a program can use: size, palette, perceptual hash, `BlurHash`.

mod palette;
mod perceptual_hash;

use image::{RgbImage, imageops};
use serde::{Deserialize, Serialize};

use super::error::PictureError;

/// A description of an output, as it is kept in the image's row and shown by the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Its five colours as `#rrggbb`, the one covering most first.
    pub palette: Vec<String>,
    /// 64 bits as 16 hexadecimal digits: pictures that look alike differ in few bits.
    pub perceptual_hash: String,
    /// A blurred placeholder in a few characters (<https://blurha.sh>).
    pub blurhash: String,
}

/// Describes a finished picture. Deterministic.
pub fn describe(picture: &RgbImage) -> Result<Description, PictureError> {
    let (width, height) = picture.dimensions();
    Ok(Description {
        width,
        height,
        palette: palette::of(picture)
            .into_iter()
            .map(|[r, g, b]| format!("#{r:02x}{g:02x}{b:02x}"))
            .collect(),
        perceptual_hash: format!("{:016x}", perceptual_hash::of(picture)),
        blurhash: blurhash(picture)?,
    })
}

fn blurhash(picture: &RgbImage) -> Result<String, PictureError> {
    // More components along the longer edge; a small copy gives the same hash a hundred times faster.
    let (across, down) = if picture.width() >= picture.height() { (4, 3) } else { (3, 4) };
    let small = image::DynamicImage::ImageRgb8(imageops::thumbnail(picture, 48, 48)).into_rgba8();
    blurhash::encode(across, down, small.width(), small.height(), &small)
        .map_err(|error| PictureError::NotDrawn { reason: error.to_string() })
}
