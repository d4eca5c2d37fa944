//! Makes the portrait that tests upload: a photograph of nobody, rendered from geometry, with the EXIF data of
//! a camera held sideways.
//!
//! `cargo run --release -p worker --example make_portrait -- tests/e2e/photos/portrait.jpg`

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
#![allow(clippy::many_single_char_names)]

#[path = "make_portrait/exif.rs"]
mod exif;
#[path = "make_portrait/figure.rs"]
mod figure;
#[path = "make_portrait/light.rs"]
mod light;
#[path = "make_portrait/vector.rs"]
mod vector;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, Rgb, RgbImage};

/// Size of the picture as people see it.
const WIDTH: u32 = 800;
const HEIGHT: u32 = 1000;
const QUALITY: u8 = 86;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: make_portrait FILE.jpg")?;
    let upright = DynamicImage::ImageRgb8(RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        Rgb(light::pixel(x, y, (WIDTH, HEIGHT)))
    }));
    // Stored lying on its side, as a phone does; the EXIF orientation says how to put it up again.
    let stored = upright.rotate270().into_rgb8();
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut file, QUALITY);
    encoder.set_exif_metadata(exif::of_a_camera_held_sideways())?;
    encoder.write_image(&stored, stored.width(), stored.height(), ExtendedColorType::Rgb8)?;
    std::fs::write(path, file)?;
    Ok(())
}
