//! Makes the pictures of the web pages out of the sample photo, with the worker's own effects:
//! `cargo run --release -p worker --example make_samples -- tests/e2e/photos/portrait.jpg crates/web/assets`.
//!
//! The effects are drawn at the size they are shown in, so that a dot is a dot on the page too. The qualities
//! are as low as the eye allows: all assets of the landing page together are to stay below 100 kB.

use std::path::Path;
use std::{env, fs};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ExtendedColorType, ImageEncoder, Rgb, Rgb32FImage, RgbImage};
use jobs::Effect;
use worker::picture;

/// File, effect (none: the photo as it was), width in pixels, JPEG quality.
const SAMPLES: [(&str, Option<Effect>, u32, u8); 3] = [
    ("sample-photo.jpg", None, 240, 50),
    ("sample-halftone.jpg", Some(Effect::Halftone), 304, 30),
    ("sample-duotone.jpg", Some(Effect::Duotone), 264, 45),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(photo), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: make_samples PHOTO FOLDER".into());
    };
    let photo = fs::read(photo)?;
    let canvas = picture::decode(&photo, &picture::inspect(&photo)?)?;
    // What the landing page quotes.
    let output = picture::make(&photo, &picture::inspect(&photo)?, Effect::Halftone)?;
    eprintln!("{} bytes, {:#?}", output.content.len(), output.description);
    for (name, effect, width, quality) in SAMPLES {
        let canvas = at_width(&canvas, width);
        let sample = effect.map_or_else(|| as_it_was(&canvas), |effect| picture::apply(&canvas, effect));
        fs::write(Path::new(&folder).join(name), jpeg(&sample, quality)?)?;
    }
    Ok(())
}

fn at_width(canvas: &Rgb32FImage, width: u32) -> Rgb32FImage {
    let height = canvas.height() * width / canvas.width();
    imageops::resize(canvas, width, height, FilterType::Lanczos3)
}

/// From linear light to sRGB, and nothing else.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255 after the clamp")]
fn as_it_was(canvas: &Rgb32FImage) -> RgbImage {
    let byte = |linear: f32| {
        let linear = linear.clamp(0.0, 1.0);
        let value =
            if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
        (value * 255.0).round() as u8
    };
    RgbImage::from_fn(canvas.width(), canvas.height(), |x, y| Rgb(canvas.get_pixel(x, y).0.map(byte)))
}

fn jpeg(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, image::ImageError> {
    let mut file = Vec::new();
    let (width, height) = picture.dimensions();
    JpegEncoder::new_with_quality(&mut file, quality).write_image(
        picture,
        width,
        height,
        ExtendedColorType::Rgb8,
    )?;
    Ok(file)
}
