//! Five colours that stand for a picture: k-means in Oklab with a fixed start, so always the same.

use image::{RgbImage, imageops};

use crate::picture::colour;

const COLOURS: usize = 5;
const ROUNDS: usize = 24;

type Lab = [f32; 3];

/// The colours, the one that covers most first. A picture of fewer colours repeats some.
pub(super) fn of(picture: &RgbImage) -> [[u8; 3]; COLOURS] {
    let small = imageops::thumbnail(picture, 64, 64);
    let points: Vec<Lab> = small
        .pixels()
        .map(|pixel| colour::to_oklab(pixel.0.map(|v| colour::to_linear(f32::from(v) / 255.0))))
        .collect();
    let mut centres = start(&points);
    let mut members = [0_usize; COLOURS];
    for _ in 0..ROUNDS {
        let mut sums = [[0.0_f32; 3]; COLOURS];
        members = [0; COLOURS];
        for point in &points {
            let nearest = nearest(&centres, point);
            members[nearest] += 1;
            for (sum, value) in sums[nearest].iter_mut().zip(point) {
                *sum += value;
            }
        }
        for ((centre, sum), members) in centres.iter_mut().zip(sums).zip(members) {
            if members > 0 {
                *centre = sum.map(|value| value / members as f32);
            }
        }
    }
    let mut order = [0, 1, 2, 3, 4];
    order.sort_by_key(|i| std::cmp::Reverse(members[*i]));
    order.map(|i| colour::from_oklab(centres[i]).map(colour::to_byte))
}

/// The mean, then whatever is farthest from all that was taken: no random numbers.
fn start(points: &[Lab]) -> [Lab; COLOURS] {
    let mean = [0, 1, 2].map(|axis| points.iter().map(|p| p[axis]).sum::<f32>() / points.len() as f32);
    let mut centres = [mean; COLOURS];
    for taken in 1..COLOURS {
        let away = |point: &Lab| {
            centres[..taken].iter().map(|centre| distance(centre, point)).fold(f32::INFINITY, f32::min)
        };
        if let Some(farthest) = points.iter().max_by(|a, b| away(a).total_cmp(&away(b))) {
            centres[taken] = *farthest;
        }
    }
    centres
}

fn nearest(centres: &[Lab; COLOURS], point: &Lab) -> usize {
    (0..COLOURS)
        .min_by(|a, b| distance(&centres[*a], point).total_cmp(&distance(&centres[*b], point)))
        .unwrap_or_default()
}

fn distance(a: &Lab, b: &Lab) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
