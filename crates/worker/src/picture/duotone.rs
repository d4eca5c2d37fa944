//! Duotone: lightness mapped through a rich gradient, with local contrast, a vignette and a gentle grain.

use image::{Rgb, Rgb32FImage, RgbImage};

use super::colour::{self, mix, smoothstep};
use super::plane::Plane;

/// From shadow to light, with the lightness at which each colour stands.
const GRADIENT: [(f32, u32); 6] = [
    (0.0, 0x12_0E38),
    (0.22, 0x3A_1A6B),
    (0.45, 0xA1_2B7C),
    (0.66, 0xF0_5F57),
    (0.85, 0xFF_B984),
    (1.0, 0xFF_F1DC),
];
const STEPS: usize = 2048;

/// Draws the canvas (linear light) at its own size.
pub(super) fn draw(canvas: &Rgb32FImage) -> RgbImage {
    let tone = tone(&Plane::lightness(canvas));
    let gradient = gradient();
    RgbImage::from_fn(canvas.width(), canvas.height(), |x, y| {
        let tone = tone.values[y as usize * tone.width + x as usize];
        Rgb(gradient[(tone.clamp(0.0, 1.0) * (STEPS - 1) as f32).round() as usize])
    })
}

/// The lightness that the gradient is asked for.
fn tone(lightness: &Plane) -> Plane {
    let (width, height) = (lightness.width, lightness.height);
    let long = width.max(height) as f32;
    let levelled = lightness.levelled();

    // Two scales of detail, taken off an edge-keeping base: features gain, edges get no halo.
    let broad = levelled.guided(&levelled, (long / 24.0).ceil() as usize, 0.02);
    let fine = levelled.guided(&levelled, (long / 160.0).ceil() as usize, 0.002);
    let detailed = levelled.zip(&broad, |v, base| base + (v - base) * 1.35);
    let detailed = detailed.zip(&levelled.zip(&fine, |v, base| v - base), |v, detail| v + detail * 0.6);

    // A little of its own light, spread out, makes highlights glow.
    let glow = detailed.map(|v| smoothstep(0.45, 1.0, v)).blur(long / 40.0);
    let grain = Plane::grain(width, height, (long / 1080.0 * 0.75).max(0.35), 7);
    let mut tone = detailed.zip(&glow, |v, light| 1.0 - (1.0 - v.clamp(0.0, 1.0)) * (1.0 - 0.14 * light));
    for (i, value) in tone.values.iter_mut().enumerate() {
        let x = ((i % width) as f32 + 0.5) / width as f32 * 2.0 - 1.0;
        let y = ((i / width) as f32 + 0.5) / height as f32 * 2.0 - 1.0;
        let contrast = mix(*value, smoothstep(0.0, 1.0, *value), 0.55).powf(1.14);
        let vignette = 1.0 - 0.42 * smoothstep(0.55, 1.5, (x * x + y * y).sqrt());
        // Film shows its grain in the middle tones.
        let strength = 0.036 * (1.0 - (2.0 * contrast - 1.0).powi(2)).max(0.15);
        *value = contrast * vignette + grain.values[i] * strength;
    }
    tone
}

/// The gradient as finished bytes, mixed where colours mix as they look.
fn gradient() -> Vec<[u8; 3]> {
    let stops = GRADIENT.map(|(at, colour)| (at, colour::to_oklab(colour::hex(colour))));
    (0..STEPS)
        .map(|step| {
            let at = step as f32 / (STEPS - 1) as f32;
            let next = stops.iter().position(|stop| stop.0 >= at).unwrap_or(stops.len() - 1).max(1);
            let (low, high) = (stops[next - 1], stops[next]);
            let t = (at - low.0) / (high.0 - low.0);
            let lab = [0, 1, 2].map(|i| mix(low.1[i], high.1[i], t));
            colour::from_oklab(lab).map(colour::to_byte)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_grows_lighter_from_end_to_end() {
        let light: Vec<f32> = gradient()
            .iter()
            .map(|rgb| colour::to_oklab(rgb.map(|v| colour::to_linear(f32::from(v) / 255.0)))[0])
            .collect();
        // A rounded byte may step back by less than anybody sees.
        assert!(light.windows(2).all(|pair| pair[1] > pair[0] - 0.003));
        assert!(light[STEPS - 1] - light[0] > 0.7);
    }
}
