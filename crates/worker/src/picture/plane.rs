//! One value per pixel, and the filters the effects are made of.

use image::Rgb32FImage;

use super::colour;
use super::noise;

/// What is flatter than this is not stretched any further.
const LEAST_RANGE: f32 = 0.45;

/// A grid of values, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f32>,
}

impl Plane {
    /// Perceived lightness (0 to 1) of a canvas in linear light.
    pub(super) fn lightness(canvas: &Rgb32FImage) -> Self {
        Self::of(canvas, |rgb| colour::to_oklab(rgb)[0])
    }

    /// Any value of each pixel of a canvas.
    pub(super) fn of(canvas: &Rgb32FImage, value: impl Fn([f32; 3]) -> f32) -> Self {
        let values = canvas.pixels().map(|pixel| value(pixel.0)).collect();
        Self { width: canvas.width() as usize, height: canvas.height() as usize, values }
    }

    /// Independent noise per pixel, softened over `radius` pixels and scaled back to about -1 to 1.
    pub(super) fn grain(width: usize, height: usize, radius: f32, seed: u32) -> Self {
        let values =
            (0..width * height).map(|i| noise::grain((i % width) as u32, (i / width) as u32, seed)).collect();
        let soft = Self { width, height, values }.blur(radius);
        let power = soft.values.iter().map(|v| v * v).sum::<f32>() / soft.values.len() as f32;
        let scale = 0.41 / power.sqrt().max(1e-6); // the deviation that it had before
        soft.map(|v| v * scale)
    }

    pub(super) fn map(&self, change: impl Fn(f32) -> f32) -> Self {
        Self { values: self.values.iter().map(|v| change(*v)).collect(), ..*self }
    }

    pub(super) fn zip(&self, other: &Self, join: impl Fn(f32, f32) -> f32) -> Self {
        Self { values: self.values.iter().zip(&other.values).map(|(a, b)| join(*a, *b)).collect(), ..*self }
    }

    /// Stretched so that all but the darkest and lightest half percent fill 0 to 1.
    ///
    /// A flat picture stays flat: its noise is not what anybody wants to see.
    pub(super) fn levelled(&self) -> Self {
        let (low, high) = self.range();
        self.map(|v| ((v - low) / (high - low)).clamp(0.0, 1.0))
    }

    /// What [`levelled`](Self::levelled) takes for black and white.
    pub(super) fn range(&self) -> (f32, f32) {
        let mut counts = [0_usize; 1024];
        for value in &self.values {
            counts[(value.clamp(0.0, 1.0) * 1023.0) as usize] += 1;
        }
        let few = self.values.len() / 200;
        let low = level_beyond(few, counts.iter().enumerate());
        let high = level_beyond(few, counts.iter().enumerate().rev());
        let missing = (LEAST_RANGE - (high - low)).max(0.0) / 2.0;
        (low - missing, high + missing)
    }

    /// Mean over a square of `2 × radius + 1` pixels, cut at the edges.
    pub(super) fn box_mean(&self, radius: usize) -> Self {
        self.box_rows(radius).transposed().box_rows(radius).transposed()
    }

    fn box_rows(&self, radius: usize) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        let mut sums = vec![0.0_f64; self.width + 1];
        for row in self.values.chunks_exact(self.width) {
            for (x, value) in row.iter().enumerate() {
                sums[x + 1] = sums[x] + f64::from(*value);
            }
            values.extend((0..self.width).map(|x| {
                let (from, to) = (x.saturating_sub(radius), (x + radius + 1).min(self.width));
                ((sums[to] - sums[from]) / (to - from) as f64) as f32
            }));
        }
        Self { values, ..*self }
    }

    fn transposed(&self) -> Self {
        let mut values = Vec::with_capacity(self.values.len());
        for x in 0..self.width {
            values.extend(self.values[x..].iter().step_by(self.width));
        }
        Self { width: self.height, height: self.width, values }
    }

    /// Gaussian blur of a deviation in pixels.
    pub(super) fn blur(&self, deviation: f32) -> Self {
        if deviation < 0.3 {
            return self.clone();
        }
        self.blur_rows(deviation).transposed().blur_rows(deviation).transposed()
    }

    fn blur_rows(&self, deviation: f32) -> Self {
        // Beyond this, three box means are a Gaussian to the eye and cost the same at any radius.
        if deviation > 4.0 {
            let radius = ((4.0 * deviation * deviation + 1.0).sqrt() / 2.0 - 0.5).round() as usize;
            return self.box_rows(radius).box_rows(radius).box_rows(radius);
        }
        let reach = (deviation * 3.0).ceil() as isize;
        let weights: Vec<f32> =
            (-reach..=reach).map(|d| (-0.5 * (d as f32 / deviation).powi(2)).exp()).collect();
        let total: f32 = weights.iter().sum();
        let last = self.width.cast_signed() - 1;
        let mut values = Vec::with_capacity(self.values.len());
        for row in self.values.chunks_exact(self.width) {
            values.extend((0..=last).map(|x| {
                let near = (x - reach..=x + reach).zip(&weights);
                near.map(|(at, weight)| row[at.clamp(0, last) as usize] * weight).sum::<f32>() / total
            }));
        }
        Self { values, ..*self }
    }

    /// Smooth where `guide` is, with its edges kept: the guided filter of He, Sun and Tang (2010).
    ///
    /// `epsilon` is the variance of the guide below which a neighbourhood counts as flat.
    pub(super) fn guided(&self, guide: &Self, radius: usize, epsilon: f32) -> Self {
        let mean_guide = guide.box_mean(radius);
        let mean_self = self.box_mean(radius);
        let covariance = guide
            .zip(self, |g, s| g * s)
            .box_mean(radius)
            .zip(&mean_guide.zip(&mean_self, |g, s| g * s), |a, b| a - b);
        let variance =
            guide.map(|g| g * g).box_mean(radius).zip(&mean_guide, |square, mean| square - mean * mean);
        let slope = covariance.zip(&variance, |c, v| c / (v + epsilon));
        let offset = mean_self.zip(&slope.zip(&mean_guide, |s, g| s * g), |mean, part| mean - part);
        let slope = slope.box_mean(radius);
        let offset = offset.box_mean(radius);
        slope.zip(guide, |s, g| s * g).zip(&offset, |a, b| a + b)
    }
}

/// The first level (0 to 1), in the order given, by which more than `few` values were counted.
fn level_beyond<'a>(few: usize, counts: impl Iterator<Item = (usize, &'a usize)>) -> f32 {
    let mut seen = 0;
    for (level, count) in counts {
        seen += count;
        if seen > few {
            return level as f32 / 1023.0;
        }
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> Plane {
        let values = (0..40 * 30).map(|i| if i % 40 < 20 { 0.2 } else { 0.8 }).collect();
        Plane { width: 40, height: 30, values }
    }

    #[test]
    fn blur_of_a_flat_plane_changes_nothing() {
        let flat = step().map(|_| 0.5);
        for deviation in [0.5, 2.0, 9.0] {
            assert!(flat.blur(deviation).values.iter().all(|v| (v - 0.5).abs() < 1e-5));
        }
    }

    #[test]
    fn guided_filter_keeps_an_edge_that_a_blur_loses() {
        let at_the_edge = |plane: &Plane| plane.values[15 * 40 + 20] - plane.values[15 * 40 + 19];
        assert!(at_the_edge(&step().guided(&step(), 4, 1e-4)) > 0.55);
        assert!(at_the_edge(&step().blur(4.0)) < 0.1);
    }

    #[test]
    fn flat_picture_is_not_stretched_into_noise() {
        let nearly_flat = step().map(|v| 0.5 + v * 0.01);
        let levelled = nearly_flat.levelled();
        assert!((levelled.values[20] - levelled.values[19]).abs() < 0.02);
    }
}
