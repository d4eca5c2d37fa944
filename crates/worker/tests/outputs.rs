//! What people get: the look of both effects, nothing of the input's metadata, and a true description.
//!
//! A look that was changed on purpose: `UPDATE_SNAPSHOTS=1 cargo test -p worker --test outputs`, then look at the
//! pictures in `tests/snapshots` before committing them.

#![allow(clippy::unwrap_used)] // what fails in a function of a test fails the test

mod sample;

use std::path::Path;

use image::imageops::{self, FilterType};
use image::{ImageFormat, RgbImage};
use jobs::Effect;
use rstest::rstest;
use worker::picture::{self, Output};

use sample::{encoded, gradient, png_chunk, portrait};

/// Sine and exponential differ in their last bit between C libraries; a changed look differs by far more.
const TOLERATED_MEAN: f64 = 0.3;

fn made(input: &[u8], effect: Effect) -> Output {
    picture::make(input, &picture::inspect(input).unwrap(), effect).unwrap()
}

#[rstest]
fn effect_looks_as_it_did(#[values(Effect::Halftone, Effect::Duotone)] effect: Effect) {
    let input = portrait();
    let canvas = picture::decode(&input, &picture::inspect(&input).unwrap()).unwrap();
    let small = imageops::resize(&canvas, 120, 150, FilterType::Triangle);
    let drawn = picture::apply(&small, effect);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{effect}.png"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        drawn.save_with_format(&path, ImageFormat::Png).unwrap();
    }
    let kept = image::open(&path).unwrap().into_rgb8();
    assert!(std::fs::metadata(&path).unwrap().len() < 60_000, "a snapshot is small");
    let differs = mean_difference(&drawn, &kept);
    assert!(
        differs < TOLERATED_MEAN,
        "{effect} differs by {differs} levels in the mean from {}",
        path.display()
    );
}

#[test]
fn snapshot_test_would_notice_a_small_change() {
    let kept = gradient(100, 100);
    let mut changed = kept.clone();
    changed.iter_mut().for_each(|sample| *sample = sample.saturating_add(1));
    assert!(mean_difference(&kept, &changed) > TOLERATED_MEAN);
}

fn mean_difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let sum: u32 = a.iter().zip(b.iter()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    f64::from(sum) / f64::from(a.width() * a.height() * 3)
}

#[rstest]
fn same_upload_gives_the_same_bytes(#[values(Effect::Halftone, Effect::Duotone)] effect: Effect) {
    let (first, second) = (made(&portrait(), effect), made(&portrait(), effect));
    assert_eq!(first.content, second.content);
    assert_eq!(first.description, second.description);
}

#[rstest]
fn output_is_upright_and_holds_nothing_of_the_metadata(
    #[values(Effect::Halftone, Effect::Duotone)] effect: Effect,
) {
    let mut input = portrait();
    for secret in [&b"Testcam 7 SN-4815162342"[..], b"Nobody in Particular", b"2026:02:03"] {
        assert!(contains(&input, secret), "the photograph is not the one we know");
    }
    input.extend(b"trailing bytes that nobody asked for");
    let output = made(&input, effect);
    assert_eq!((output.description.width, output.description.height), (800, 1000));
    for secret in [&b"Testcam"[..], b"4815162342", b"Nobody", b"Exif", b"2026:02", b"trailing", b"Shakedown"]
    {
        assert!(!contains(&output.content, secret));
    }
    assert_eq!(jpeg_markers(&output.content), ["APP0", "SOF", "DQT", "DHT", "SOS"]);
    assert!(output.content.ends_with(&[0xFF, 0xD9]));
}

#[test]
fn text_in_a_png_is_not_in_the_output() {
    let mut input = encoded(&gradient(60, 40).into(), ImageFormat::Png);
    let after_header = 8 + 25;
    let text = png_chunk(*b"tEXt", b"Comment\0the words 4815162342");
    input.splice(after_header..after_header, text);
    assert!(contains(&input, b"the words"));
    assert!(!contains(&made(&input, Effect::Duotone).content, b"the words"));
}

#[rstest]
fn description_is_of_the_file_people_get(#[values(Effect::Halftone, Effect::Duotone)] effect: Effect) {
    let output = made(&portrait(), effect);
    let seen = image::load_from_memory_with_format(&output.content, ImageFormat::Jpeg).unwrap().into_rgb8();
    let described = output.description;
    assert_eq!((described.width, described.height), seen.dimensions());
    assert_eq!(described, picture::describe(&seen).unwrap());
    assert_eq!(described.palette.len(), 5);
    for colour in &described.palette {
        assert!(colour.len() == 7 && colour.starts_with('#'), "{colour}");
        u32::from_str_radix(&colour[1..], 16).unwrap();
    }
    assert_eq!(described.perceptual_hash.len(), 16);
    u64::from_str_radix(&described.perceptual_hash, 16).unwrap();
    assert_eq!(blurhash::decode(&described.blurhash, 8, 10, 1.0).unwrap().len(), 8 * 10 * 4);
}

#[test]
fn perceptual_hash_is_near_for_the_same_scene_and_far_for_another() {
    let hash = |picture: &RgbImage| {
        u64::from_str_radix(&picture::describe(picture).unwrap().perceptual_hash, 16).unwrap()
    };
    let scene = image::load_from_memory(&portrait()).unwrap().into_rgb8();
    let smaller = imageops::resize(&scene, 300, 240, FilterType::Triangle);
    let brighter = imageops::brighten(&scene, 20);
    let other = imageops::rotate180(&scene);
    assert!((hash(&scene) ^ hash(&smaller)).count_ones() <= 4);
    assert!((hash(&scene) ^ hash(&brighter)).count_ones() <= 6);
    assert!((hash(&scene) ^ hash(&other)).count_ones() >= 16);
}

#[test]
fn palette_of_flat_colours_names_them_the_largest_first() {
    let flags =
        RgbImage::from_fn(100, 100, |x, _| image::Rgb(if x < 70 { [200, 30, 40] } else { [20, 60, 180] }));
    let palette = picture::describe(&flags).unwrap().palette;
    assert_eq!(palette[0], "#c81e28");
    assert!(palette.contains(&"#143cb4".to_owned()), "{palette:?}");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The kinds of segments up to the picture's data, each once.
fn jpeg_markers(file: &[u8]) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    let mut at = 2;
    loop {
        let kind = match file[at + 1] {
            0xE0 => "APP0",
            0xDB => "DQT",
            0xC0..=0xC2 => "SOF",
            0xC4 => "DHT",
            0xDA => "SOS",
            _ => "something else",
        };
        if kinds.last() != Some(&kind) {
            kinds.push(kind);
        }
        if kind == "SOS" {
            return kinds;
        }
        at += 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
    }
}
