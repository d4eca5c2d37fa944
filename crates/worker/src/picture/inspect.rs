//! What an upload claims to be, learnt from its header alone: before anything of its size is allocated.

use std::io::Cursor;

use image::{ImageDecoder, ImageFormat, ImageReader, Limits};

use super::error::PictureError;

/// An upload has at most this many bytes (10 MiB).
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// A picture has at most this many pixels.
pub const MAX_PIXELS: u64 = 40_000_000;

/// What a decoder may allocate: 40 megapixels of 16-bit RGBA (320 MB), and room for its rows and tables.
const MAX_ALLOC_BYTES: u64 = 352 * 1024 * 1024;
/// A progressive JPEG holds its coefficients (3 × 16 bit) beside its pixels (3 × 8 bit) until the end.
const JPEG_BYTES_PER_PIXEL: u64 = 9;
/// The canvas, the planes of an effect and the output, whatever the size of the input.
const EFFECT_BYTES: u64 = 96 * 1024 * 1024;

/// What is known of an upload that passed: the ticket to [`decode`](super::decode()).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspection {
    pub(super) format: ImageFormat,
    /// Pixels across, before the orientation is applied.
    pub width: u32,
    /// Pixels down, before the orientation is applied.
    pub height: u32,
    /// Upper estimate of the memory which making the output takes, in bytes.
    pub memory_bytes: u64,
}

/// Looks at the header of an upload and refuses what is no picture, or too large a one.
pub fn inspect(input: &[u8]) -> Result<Inspection, PictureError> {
    if input.is_empty() {
        return Err(PictureError::Empty);
    }
    if input.len() > MAX_BYTES {
        return Err(PictureError::TooManyBytes);
    }
    let format = sniff(input)?;
    let decoder = decoder(input, format)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS {
        return Err(PictureError::TooManyPixels { width, height });
    }
    let per_pixel = match format {
        ImageFormat::Jpeg => JPEG_BYTES_PER_PIXEL,
        _ => u64::from(decoder.color_type().bytes_per_pixel()),
    };
    Ok(Inspection { format, width, height, memory_bytes: pixels * per_pixel + EFFECT_BYTES })
}

/// The first bytes decide, never a file name or what a client says.
fn sniff(input: &[u8]) -> Result<ImageFormat, PictureError> {
    match image::guess_format(input) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) => Ok(format),
        _ => Err(PictureError::NotAPicture),
    }
}

/// A decoder with its limits set, positioned after the header.
pub(super) fn decoder(input: &[u8], format: ImageFormat) -> Result<impl ImageDecoder, PictureError> {
    let mut reader = ImageReader::with_format(Cursor::new(input), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(|error| PictureError::from_decoder(&error, 0, 0))?;
    let (width, height) = decoder.dimensions();
    decoder.set_limits(limits()).map_err(|error| PictureError::from_decoder(&error, width, height))?;
    Ok(decoder)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOC_BYTES);
    limits
}
