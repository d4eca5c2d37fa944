//! The file people get.

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, RgbImage};

use super::error::PictureError;

/// Both effects are JPEG: grain and soft gradients take four times as many bytes in a PNG, and the encoder
/// keeps full colour resolution, so that coloured dots stay crisp.
pub const CONTENT_TYPE: &str = "image/jpeg";
const QUALITY: u8 = 88;

/// Encodes a finished picture. Nothing but its pixels goes in.
pub fn encode(picture: &RgbImage) -> Result<Bytes, PictureError> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, QUALITY)
        .write_image(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .map_err(PictureError::unreadable_output)?;
    Ok(file.into())
}
