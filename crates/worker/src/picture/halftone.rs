//! Halftone: four inks in rotated screens of round dots on warm paper, with drawn contours.
//!
//! The dots are cut by the picture's own edges (each pixel asks for its own tone, taken from an edge-keeping
//! base), and dark contours are added by a difference of Gaussians: so a face stays a face.

use image::{Rgb, Rgb32FImage, RgbImage};

use super::colour::{self, mix, smoothstep};
use super::plane::Plane;

const PAPER: u32 = 0xF7_F0E1;
/// Dots per long edge of the picture: fine enough for eyes and mouths, coarse enough to be seen.
const CELLS: f32 = 168.0;
/// The unprinted border, as a share of the short edge.
const MARGIN: f32 = 0.028;

/// One printing plate.
struct Ink {
    colour: u32,
    /// Angle of its screen in degrees, 30 apart from the others so that no moiré shows. Yellow has none: so light an
    /// ink shows no dots, only the plaid that a fourth screen makes with the others.
    angle: Option<f32>,
    /// How far the plate slipped, in cells.
    slip: (f32, f32),
}

const YELLOW: Ink = Ink { colour: 0xFF_C845, angle: None, slip: (0.0, 0.0) };
const MAGENTA: Ink = Ink { colour: 0xEA_4068, angle: Some(75.0), slip: (0.12, -0.05) };
const CYAN: Ink = Ink { colour: 0x00_87B8, angle: Some(15.0), slip: (-0.06, 0.1) };
const BLACK: Ink = Ink { colour: 0x23_1F3B, angle: Some(45.0), slip: (0.0, 0.0) };

/// Draws the canvas (linear light) at its own size.
pub(super) fn draw(canvas: &Rgb32FImage) -> RgbImage {
    let (width, height) = (canvas.width() as usize, canvas.height() as usize);
    let long = width.max(height) as f32;
    let cell = (long / CELLS).max(3.2);
    let plates = separate(canvas, long);
    let contours = contours(&Plane::lightness(canvas).levelled(), long);
    let texture = Plane::grain(width, height, (long / 700.0).max(0.5), 11);
    let mask = mask(width, height);
    let thresholds = thresholds();
    let paper = colour::hex(PAPER);
    let inks = [YELLOW, MAGENTA, CYAN, BLACK]
        .map(|ink| (ink.angle.map(|angle| Screen::new(angle, ink.slip, cell)), colour::hex(ink.colour)));

    RgbImage::from_fn(canvas.width(), canvas.height(), |x, y| {
        let i = y as usize * width + x as usize;
        // Ink lies unevenly on paper, and paper is not quite even itself.
        let mottle = texture.values[i];
        let mut light = paper.map(|v| v * (1.0 + 0.018 * mottle));
        for (plate, (screen, transmits)) in plates.iter().zip(&inks) {
            let tone = plate.values[i];
            let mut covered = match screen {
                Some(screen) => screen.covered(x as f32, y as f32, tone, &thresholds),
                None => tone,
            };
            covered *= mask.values[i] * (0.96 + 0.05 * mottle).clamp(0.0, 1.0);
            for (light, transmits) in light.iter_mut().zip(transmits) {
                *light *= mix(1.0, *transmits, covered);
            }
        }
        // The contours are drawn over the dots, in the black of the last plate.
        let line = contours.values[i] * mask.values[i];
        for (light, black) in light.iter_mut().zip(colour::hex(BLACK.colour)) {
            *light = mix(*light, light.min(black), line);
        }
        Rgb(light.map(colour::to_byte))
    })
}

/// How much of each ink a pixel asks for: yellow, magenta, cyan, black.
fn separate(canvas: &Rgb32FImage, long: f32) -> [Plane; 4] {
    let lightness = Plane::lightness(canvas);
    let guide = lightness.levelled();
    let radius = (long / 130.0).ceil() as usize;
    let broad = guide.guided(&guide, (long / 28.0).ceil() as usize, 0.02);
    let base = guide.guided(&guide, radius, 0.003);
    // Contrast around the broad base, without the skin's finest texture.
    let tone = base.zip(&broad, |v, broad| (broad + (v - broad) * 1.45).clamp(0.0, 1.0));
    let colour_axis = |axis: usize| {
        Plane::of(canvas, |rgb| colour::to_oklab(rgb)[axis]).guided(&guide, radius, 0.003).map(|v| v * 1.65)
    };
    let (a, b) = (colour_axis(1), colour_axis(2));

    let mut plates = [(); 4].map(|()| tone.map(|_| 0.0));
    for (i, tone) in tone.values.iter().enumerate() {
        // Darkest and lightest of the picture become ink and paper.
        let lab = [0.13 + tone.powf(0.82) * 0.87, a.values[i], b.values[i]];
        let [r, g, b] = colour::from_oklab(lab).map(|v| colour::to_srgb(v.clamp(0.0, 1.0)));
        // Grey is printed in black alone: three inks for it would only disturb each other.
        let grey = 1.0 - r.max(g).max(b);
        let black = grey * mix(0.55, 1.0, smoothstep(0.1, 0.75, grey));
        let left = |v: f32| ((1.0 - v - black) / (1.0 - black).max(0.05)).clamp(0.0, 1.0);
        plates[0].values[i] = left(b);
        plates[1].values[i] = left(g) * 0.92;
        plates[2].values[i] = left(r) * 0.92;
        plates[3].values[i] = black * 0.96;
    }
    plates
}

/// Lines where the picture grows dark quickly: an extended difference of Gaussians.
fn contours(tone: &Plane, long: f32) -> Plane {
    let fine = (long / 1080.0 * 1.5).max(0.6);
    let near = tone.blur(fine);
    let far = tone.blur(fine * 1.8);
    near.zip(&far, |near, far| smoothstep(0.012, 0.06, far - near) * smoothstep(0.95, 0.5, near) * 0.9)
}

/// 1 where the plates print, 0 on the border, with an edge a pixel soft.
fn mask(width: usize, height: usize) -> Plane {
    let margin = width.min(height) as f32 * MARGIN;
    let corner = margin * 0.35;
    let half = (width as f32 / 2.0 - margin, height as f32 / 2.0 - margin);
    let values = (0..width * height)
        .map(|i| {
            let x = ((i % width) as f32 + 0.5 - width as f32 / 2.0).abs() - half.0 + corner;
            let y = ((i / width) as f32 + 0.5 - height as f32 / 2.0).abs() - half.1 + corner;
            let outside = x.max(0.0).hypot(y.max(0.0)) + x.max(y).min(0.0) - corner;
            1.0 - smoothstep(-0.7, 0.7, outside)
        })
        .collect();
    Plane { width, height, values }
}

/// A rotated grid of dots.
struct Screen {
    cos: f32,
    sin: f32,
    cell: f32,
    slip: (f32, f32),
    /// Half the width of a dot's soft rim, in units of the dot function.
    rim: f32,
}

impl Screen {
    fn new(angle: f32, slip: (f32, f32), cell: f32) -> Self {
        let (sin, cos) = angle.to_radians().sin_cos();
        Self { cos, sin, cell, slip, rim: 0.9 / cell }
    }

    /// The share of the pixel that ink covers, so that all of them together cover `tone` of the paper.
    fn covered(&self, x: f32, y: f32, tone: f32, thresholds: &[f32]) -> f32 {
        let u = (x * self.cos + y * self.sin) / self.cell + self.slip.0;
        let v = (y * self.cos - x * self.sin) / self.cell + self.slip.1;
        let dot = dot(u, v);
        let threshold = thresholds[(tone.clamp(0.0, 1.0) * (thresholds.len() - 1) as f32).round() as usize];
        let inked = smoothstep(threshold - self.rim, threshold + self.rim, dot);
        // Neither specks on white nor pinholes in black.
        mix(inked * smoothstep(0.012, 0.05, tone), 1.0, smoothstep(0.93, 0.99, tone))
    }
}

/// 1 in the middle of a dot, 0 in the middle of a gap: round dots, chequered in the middle tones.
fn dot(u: f32, v: f32) -> f32 {
    0.5 + 0.25 * ((u * std::f32::consts::TAU).cos() + (v * std::f32::consts::TAU).cos())
}

/// For each tone from 0 to 1, the value that the share `tone` of all dot values lies above.
fn thresholds() -> Vec<f32> {
    const GRID: u32 = 96;
    let at = |i: u32| (i as f32 + 0.5) / GRID as f32;
    let mut dots: Vec<f32> = (0..GRID * GRID).map(|i| dot(at(i % GRID), at(i / GRID))).collect();
    dots.sort_unstable_by(|a, b| b.total_cmp(a));
    (0..=255).map(|tone| dots[(tone * (dots.len() - 1)) / 255]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_cover_as_much_of_the_paper_as_their_tone_says() {
        let thresholds = thresholds();
        let screen = Screen::new(15.0, CYAN.slip, 8.0);
        for tone in [0.1, 0.25, 0.5, 0.75, 0.9] {
            let covered: f32 = (0..200 * 200)
                .map(|i| screen.covered((i % 200) as f32, (i / 200) as f32, tone, &thresholds))
                .sum::<f32>()
                / 40_000.0;
            assert!((covered - tone).abs() < 0.03, "{tone} covers {covered}");
        }
    }
}
