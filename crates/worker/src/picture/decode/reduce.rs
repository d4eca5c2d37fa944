//! Area averaging in linear light, row by row: no second copy of the large picture is ever made.

use image::{DynamicImage, Rgb, Rgb32FImage};

use crate::picture::colour;

/// Red, green, blue (multiplied by alpha) and alpha, in linear light.
type Sample = [f32; 4];

/// The picture at `size`, which is at most its own, on white. `None` for a kind of pixel no format of ours has.
pub(super) fn reduce(picture: &DynamicImage, size: (u32, u32)) -> Option<Rgb32FImage> {
    let (width, height) = (picture.width(), picture.height());
    let to_x = Shares::new(width, size.0);
    let to_y = Shares::new(height, size.1);
    let curve = Curve::new();

    let mut row = vec![[0.0; 4]; width as usize];
    let mut narrow = vec![[0.0; 4]; size.0 as usize];
    let mut sum = vec![[0.0; 4]; size.0 as usize * size.1 as usize];
    for y in 0..height {
        read_row(picture, y, &mut row, &curve)?;
        narrow.fill([0.0; 4]);
        for (x, sample) in row.iter().enumerate() {
            for (target, share) in to_x.of(x) {
                add(&mut narrow[target], sample, share);
            }
        }
        for (target, share) in to_y.of(y as usize) {
            let line = &mut sum[target * size.0 as usize..][..size.0 as usize];
            for (to, sample) in line.iter_mut().zip(&narrow) {
                add(to, sample, share);
            }
        }
    }
    Some(Rgb32FImage::from_fn(size.0, size.1, |x, y| {
        let [r, g, b, alpha] = sum[y as usize * size.0 as usize + x as usize];
        let paper = 1.0 - alpha;
        Rgb([r + paper, g + paper, b + paper])
    }))
}

fn add(to: &mut Sample, sample: &Sample, share: f32) {
    for (to, sample) in to.iter_mut().zip(sample) {
        *to += sample * share;
    }
}

/// How the pixels of a longer line spread over those of a shorter one: each over one or two.
struct Shares {
    scale: f64,
    last: usize,
}

impl Shares {
    fn new(from: u32, to: u32) -> Self {
        Self { scale: f64::from(to) / f64::from(from), last: to as usize - 1 }
    }

    /// Targets of the pixel at `index`, with the share of the target's area that it covers.
    fn of(&self, index: usize) -> impl Iterator<Item = (usize, f32)> + use<> {
        let start = index as f64 * self.scale;
        let end = start + self.scale;
        let first = (start as usize).min(self.last);
        let border = (first + 1) as f64;
        let (here, there) = if end > border && first < self.last {
            (border - start, end - border)
        } else {
            (self.scale, 0.0)
        };
        [(first, here as f32), (first + 1, there as f32)].into_iter().filter(|(_, share)| *share > 0.0)
    }
}

/// Tables from stored samples to linear light.
struct Curve {
    of_8_bit: Vec<f32>,
    of_16_bit: Vec<f32>,
}

impl Curve {
    fn new() -> Self {
        let table =
            |last: u16| (0..=last).map(|v| colour::to_linear(f32::from(v) / f32::from(last))).collect();
        Self { of_8_bit: table(255), of_16_bit: table(u16::MAX) }
    }

    fn byte(&self, sample: u8) -> f32 {
        self.of_8_bit[usize::from(sample)]
    }

    fn word(&self, sample: u16) -> f32 {
        self.of_16_bit[usize::from(sample)]
    }
}

fn read_row(picture: &DynamicImage, y: u32, into: &mut [Sample], curve: &Curve) -> Option<()> {
    let byte = |v: u8| curve.byte(v);
    let word = |v: u16| curve.word(v);
    let byte_alpha = |v: u8| f32::from(v) / 255.0;
    let word_alpha = |v: u16| f32::from(v) / 65_535.0;
    match picture {
        DynamicImage::ImageLuma8(p) => fill(p.as_raw(), 1, y, into, |s| grey(byte(s[0]), 1.0)),
        DynamicImage::ImageLumaA8(p) => fill(p.as_raw(), 2, y, into, |s| grey(byte(s[0]), byte_alpha(s[1]))),
        DynamicImage::ImageRgb8(p) => {
            fill(p.as_raw(), 3, y, into, |s| rgb([byte(s[0]), byte(s[1]), byte(s[2])], 1.0));
        }
        DynamicImage::ImageRgba8(p) => {
            fill(p.as_raw(), 4, y, into, |s| rgb([byte(s[0]), byte(s[1]), byte(s[2])], byte_alpha(s[3])));
        }
        DynamicImage::ImageLuma16(p) => fill(p.as_raw(), 1, y, into, |s| grey(word(s[0]), 1.0)),
        DynamicImage::ImageLumaA16(p) => fill(p.as_raw(), 2, y, into, |s| grey(word(s[0]), word_alpha(s[1]))),
        DynamicImage::ImageRgb16(p) => {
            fill(p.as_raw(), 3, y, into, |s| rgb([word(s[0]), word(s[1]), word(s[2])], 1.0));
        }
        DynamicImage::ImageRgba16(p) => {
            fill(p.as_raw(), 4, y, into, |s| rgb([word(s[0]), word(s[1]), word(s[2])], word_alpha(s[3])));
        }
        _ => return None,
    }
    Some(())
}

fn fill<S>(raw: &[S], channels: usize, y: u32, into: &mut [Sample], read: impl Fn(&[S]) -> Sample) {
    let length = into.len() * channels;
    let row = &raw[y as usize * length..][..length];
    for (to, samples) in into.iter_mut().zip(row.chunks_exact(channels)) {
        *to = read(samples);
    }
}

fn grey(value: f32, alpha: f32) -> Sample {
    rgb([value; 3], alpha)
}

fn rgb([r, g, b]: [f32; 3], alpha: f32) -> Sample {
    [r * alpha, g * alpha, b * alpha, alpha]
}
