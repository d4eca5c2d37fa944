//! A 64-bit hash by which pictures that look alike are near each other: the signs of low frequencies.

use image::{RgbImage, imageops};

const SIDE: usize = 32;
const KEPT: usize = 8;

/// Bit 63 is the lowest frequency. Each bit says whether a frequency is stronger than their median.
pub(super) fn of(picture: &RgbImage) -> u64 {
    let small = imageops::thumbnail(picture, SIDE as u32, SIDE as u32);
    let grey: Vec<f32> = small
        .pixels()
        .map(|pixel| {
            let [r, g, b] = pixel.0.map(f32::from);
            0.299 * r + 0.587 * g + 0.114 * b
        })
        .collect();

    let mut frequencies = Vec::with_capacity(KEPT * KEPT);
    for v in 0..KEPT {
        for u in 0..KEPT {
            let sum: f32 =
                grey.iter().enumerate().map(|(i, value)| value * wave(i % SIDE, u) * wave(i / SIDE, v)).sum();
            frequencies.push(sum);
        }
    }
    // The first is the mean brightness, which would drown the others.
    let mut sorted = frequencies[1..].to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let median = sorted[sorted.len() / 2];
    frequencies.iter().fold(0, |hash, value| (hash << 1) | u64::from(*value > median))
}

fn wave(at: usize, frequency: usize) -> f32 {
    ((2 * at + 1) as f32 * frequency as f32 * std::f32::consts::PI / (2 * SIDE) as f32).cos()
}
