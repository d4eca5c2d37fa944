//! What people upload, well-meant or not: accepted formats give an output, everything else a clear refusal.

mod sample;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use jobs::Effect;
use proptest::prelude::*;
use rstest::rstest;
use worker::picture::{self, LONG_EDGE, PictureError};

use sample::{encoded, gradient, portrait, with_jpeg_exif};

fn made(input: &[u8], effect: Effect) -> Result<picture::Output, PictureError> {
    picture::make(input, &picture::inspect(input)?, effect)
}

#[rstest]
#[case::nothing(b"".to_vec(), PictureError::Empty)]
#[case::text(b"Dear diary, today I uploaded a text.".to_vec(), PictureError::NotAPicture)]
#[case::html(b"<html><script>alert(1)</script></html>".to_vec(), PictureError::NotAPicture)]
#[case::gif(b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), PictureError::NotAPicture)]
#[case::eleven_megabytes(vec![0xFF; 11_000_000], PictureError::TooManyBytes)]
fn upload_that_is_no_picture_is_refused(#[case] input: Vec<u8>, #[case] expected: PictureError) {
    assert_eq!(made(&input, Effect::Duotone).unwrap_err(), expected);
}

#[rstest]
#[case::png(sample::png_claiming(50_000, 50_000))]
#[case::jpeg(sample::jpeg_claiming(50_000, 50_000))]
fn decompression_bomb_is_refused_by_its_header(#[case] input: Vec<u8>) {
    assert!(input.len() < 100_000);
    let refused = picture::inspect(&input).unwrap_err();
    assert_eq!(refused, PictureError::TooManyPixels { width: 50_000, height: 50_000 });
    assert_eq!(
        refused.to_string(),
        "The picture has 50000 × 50000 pixels; at most 40 megapixels are accepted."
    );
}

#[rstest]
#[case::of_one_more(8_000, 5_001, false)]
#[case::exactly(8_000, 5_000, true)]
fn limit_is_forty_megapixels(#[case] width: u32, #[case] height: u32, #[case] accepted: bool) {
    assert_eq!(picture::inspect(&sample::png_claiming(width, height)).is_ok(), accepted);
}

#[rstest]
fn truncated_picture_is_refused(
    #[values(ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP)] format: ImageFormat,
    #[values(5, 25, 50, 75, 99)] percent: usize,
) {
    let whole = encoded(&DynamicImage::ImageRgb8(gradient(300, 200)), format);
    let cut = &whole[..whole.len() * percent / 100];
    let refused = made(cut, Effect::Duotone).unwrap_err();
    assert!(matches!(refused, PictureError::Damaged { .. }), "{refused:?}");
    assert_eq!(refused.to_string(), "The picture is damaged or incomplete and could not be read.");
}

#[test]
fn jpeg_without_its_last_two_bytes_is_incomplete() {
    let whole = portrait();
    assert!(made(&whole, Effect::Duotone).is_ok());
    assert!(made(&whole[..whole.len() - 2], Effect::Duotone).is_err());
}

#[rstest]
#[case::grey_8(DynamicImage::ImageRgb8(gradient(90, 60)).into_luma8().into(), ImageFormat::Png)]
#[case::grey_16(DynamicImage::ImageRgb8(gradient(90, 60)).into_luma16().into(), ImageFormat::Png)]
#[case::grey_with_alpha(DynamicImage::ImageRgb8(gradient(90, 60)).into_luma_alpha8().into(), ImageFormat::Png)]
#[case::grey_16_with_alpha(DynamicImage::ImageRgb8(gradient(90, 60)).into_luma_alpha16().into(), ImageFormat::Png)]
#[case::colour_8(gradient(90, 60).into(), ImageFormat::Png)]
#[case::colour_16(DynamicImage::ImageRgb8(gradient(90, 60)).into_rgb16().into(), ImageFormat::Png)]
#[case::alpha_8(DynamicImage::ImageRgb8(gradient(90, 60)).into_rgba8().into(), ImageFormat::Png)]
#[case::alpha_16(DynamicImage::ImageRgb8(gradient(90, 60)).into_rgba16().into(), ImageFormat::Png)]
#[case::jpeg(gradient(90, 60).into(), ImageFormat::Jpeg)]
#[case::jpeg_grey(DynamicImage::ImageRgb8(gradient(90, 60)).into_luma8().into(), ImageFormat::Jpeg)]
#[case::webp(gradient(90, 60).into(), ImageFormat::WebP)]
#[case::webp_with_alpha(DynamicImage::ImageRgb8(gradient(90, 60)).into_rgba8().into(), ImageFormat::WebP)]
fn every_kind_of_pixel_looks_the_same(#[case] picture: DynamicImage, #[case] format: ImageFormat) {
    let input = encoded(&picture, format);
    let canvas = picture::decode(&input, &picture::inspect(&input).unwrap()).unwrap();
    let middle = canvas.get_pixel(canvas.width() / 2, canvas.height() / 2).0;
    let expected = if picture.color().has_color() { [0.216, 0.212, 0.067] } else { [0.19, 0.19, 0.19] };
    for (channel, expected) in middle.iter().zip(expected) {
        assert!((channel - expected).abs() < 0.03, "{middle:?}, not {expected:?}");
    }
}

#[rstest]
fn tiny_and_odd_sizes_give_an_output(
    #[values((1, 1), (1, 3000), (3000, 1), (7, 5), (1081, 1080))] size: (u32, u32),
    #[values(Effect::Halftone, Effect::Duotone)] effect: Effect,
) {
    let input = encoded(&gradient(size.0, size.1).into(), ImageFormat::Png);
    let output = made(&input, effect).unwrap();
    assert!(output.description.width.max(output.description.height) <= LONG_EDGE);
}

#[test]
fn transparent_parts_are_shown_on_white() {
    let input = encoded(&DynamicImage::new_rgba8(40, 40), ImageFormat::Png);
    let canvas = picture::decode(&input, &picture::inspect(&input).unwrap()).unwrap();
    assert!(canvas.iter().all(|sample| *sample > 0.999));
}

#[rstest]
#[case::as_it_is(1, (80, 60), (0, 0))]
#[case::mirrored(2, (80, 60), (1, 0))]
#[case::upside_down(3, (80, 60), (1, 1))]
#[case::mirrored_upside_down(4, (80, 60), (0, 1))]
#[case::transposed(5, (60, 80), (0, 0))]
#[case::turned_right(6, (60, 80), (1, 0))]
#[case::transversed(7, (60, 80), (1, 1))]
#[case::turned_left(8, (60, 80), (0, 1))]
fn orientation_of_the_camera_is_honoured(
    #[case] orientation: u16,
    #[case] shape: (u32, u32),
    #[case] red_corner: (u32, u32),
) {
    let mut stored = RgbImage::from_pixel(80, 60, Rgb([20, 20, 160]));
    for (x, y) in (0..30).flat_map(|x| (0..25).map(move |y| (x, y))) {
        stored.put_pixel(x, y, Rgb([230, 30, 30]));
    }
    let input = with_jpeg_exif(&stored, orientation);
    let canvas = picture::decode(&input, &picture::inspect(&input).unwrap()).unwrap();
    let (width, height) = canvas.dimensions();
    assert_eq!(width * shape.1, height * shape.0, "{width} × {height}");
    for corner in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let at = (10 + corner.0 * (width - 20), 10 + corner.1 * (height - 20));
        let [red, _, blue] = canvas.get_pixel(at.0, at.1).0;
        assert_eq!(red > blue, corner == red_corner, "{corner:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn rubbish_after_a_good_beginning_never_panics(
        magic in prop::sample::select(vec![
            &b"\xFF\xD8\xFF\xE0"[..], b"\x89PNG\r\n\x1a\n", b"RIFF\xff\0\0\0WEBPVP8 ", b"RIFF\xff\0\0\0WEBPVP8L",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let input = [magic, &rest].concat();
        prop_assert!(made(&input, Effect::Duotone).is_err());
    }

    #[test]
    fn picture_with_flipped_bits_never_panics(
        format in prop::sample::select(vec![ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP]),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..12),
    ) {
        let mut input = encoded(&gradient(40, 30).into(), format);
        for (place, bit) in flips {
            *place.get_mut(&mut input) ^= 1 << bit;
        }
        if let Ok(inspection) = picture::inspect(&input) {
            // Keeps the test quick: the limit itself is tested above.
            prop_assume!(inspection.width * inspection.height < 1_000_000);
            let _ = picture::decode(&input, &inspection);
        }
    }
}
