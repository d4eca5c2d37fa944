//! Decoding within bounds: upright, in linear light, at the size of the output, without any metadata.
//!
//! Only pixels cross this line: whatever else the file carried (EXIF, comments, profiles, trailing bytes) is
//! never copied anywhere, so it cannot be in an output.

mod jpeg_end;
mod reduce;

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageFormat, Rgb32FImage};

use super::LONG_EDGE;
use super::error::PictureError;
use super::inspect::{Inspection, decoder};

/// Smaller pictures are enlarged to this long edge in pixels: dots and grain need room to be seen.
const SHORTEST_LONG_EDGE: u32 = 720;

/// The picture in linear light (0 to 1 per channel), upright, as large as its output will be.
///
/// Transparent parts are shown on white.
pub fn decode(input: &[u8], inspection: &Inspection) -> Result<Rgb32FImage, PictureError> {
    let Inspection { format, width, height, .. } = *inspection;
    if format == ImageFormat::Jpeg && !jpeg_end::is_reached(input) {
        // The decoder would fill what is missing with grey.
        return Err(PictureError::damaged("JPEG data end before the end of the picture"));
    }
    let failed = |error| PictureError::from_decoder(&error, width, height);
    let mut reader = decoder(input, format)?;
    let orientation = reader.orientation().map_err(failed)?;
    let decoded = DynamicImage::from_decoder(reader).map_err(failed)?;

    let size = target_size(width, height);
    let canvas = reduce::reduce(&decoded, (size.0.min(width), size.1.min(height)))
        .ok_or_else(|| PictureError::damaged("pixels of a kind that none of the formats has"))?;
    // The large one is of no use any more, and the effect wants memory too.
    drop(decoded);
    let canvas = if canvas.dimensions() == size {
        canvas
    } else {
        imageops::resize(&canvas, size.0, size.1, FilterType::CatmullRom)
    };
    let mut upright = DynamicImage::ImageRgb32F(canvas);
    upright.apply_orientation(orientation);
    let mut canvas = upright.into_rgb32f();
    for sample in canvas.iter_mut() {
        *sample = sample.clamp(0.0, 1.0);
    }
    Ok(canvas)
}

/// The size of the output, in the same proportions.
fn target_size(width: u32, height: u32) -> (u32, u32) {
    let long = width.max(height);
    let target = long.clamp(SHORTEST_LONG_EDGE, LONG_EDGE);
    let scaled = |edge: u32| {
        let exact = u64::from(edge) * u64::from(target);
        u32::try_from((exact + u64::from(long) / 2) / u64::from(long)).unwrap_or(target).max(1)
    };
    (scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::large((8000, 5000), (1080, 675))]
    #[case::just_right((1080, 720), (1080, 720))]
    #[case::between((800, 1000), (800, 1000))]
    #[case::small((100, 50), (720, 360))]
    #[case::one_pixel((1, 1), (720, 720))]
    #[case::a_line((20_000, 1), (1080, 1))]
    fn output_keeps_proportions_and_fits(#[case] input: (u32, u32), #[case] expected: (u32, u32)) {
        assert_eq!(target_size(input.0, input.1), expected);
    }
}
