//! Light on the figure: a warm key light from one side, a cool fill from the other, a rim from behind.

use super::figure::{self, Matter};
use super::vector::{Vector, smoothstep};

const FAR: f32 = 9.0;
const CAMERA: Vector = Vector(0.0, -0.22, 7.0);
/// Height of the view at the figure, in its units.
const VIEW: f32 = 3.75;

/// The colour of one pixel, with the little noise of a sensor.
pub(crate) fn pixel(x: u32, y: u32, size: (u32, u32)) -> [u8; 3] {
    let scale = VIEW / size.1 as f32;
    let mut light = Vector(0.0, 0.0, 0.0);
    for (dx, dy) in [(0.25, 0.25), (0.75, 0.75)] {
        let u = (x as f32 + dx - size.0 as f32 / 2.0) * scale;
        let v = -(y as f32 + dy - size.1 as f32 / 2.0) * scale;
        light = light + seen(u, v) * 0.5;
    }
    let noise = (hash(x, y) - 0.5) * 0.012;
    [light.0, light.1, light.2].map(|v| {
        let exposed = 1.0 - (-v * 1.9).exp();
        ((exposed.powf(1.0 / 2.2) + noise).clamp(0.0, 1.0) * 255.0).round() as u8
    })
}

fn seen(u: f32, v: f32) -> Vector {
    let direction = (Vector(u, v, 0.0) + Vector(0.0, CAMERA.1, 0.0) - CAMERA).unit();
    let mut along = 4.5;
    for _ in 0..110 {
        let place = CAMERA + direction * along;
        let (distance, matter) = figure::at(place);
        if distance < 0.0012 {
            return shaded(place, matter, direction);
        }
        along += distance * 0.8;
        if along > FAR {
            break;
        }
    }
    background(u, v)
}

fn shaded(place: Vector, matter: Matter, direction: Vector) -> Vector {
    let normal = normal(place);
    let key = Vector(-0.62, 0.55, 0.72).unit();
    let fill = Vector(0.9, 0.1, 0.6).unit();
    let rim = Vector(0.75, 0.35, -0.6).unit();
    let (colour, gloss, sharpness) = match matter {
        Matter::Skin => {
            (Vector(0.62, 0.36, 0.26).mix(Vector(0.66, 0.24, 0.19), 0.45 * figure::blush(place)), 0.16, 18.0)
        }
        Matter::Lips => (Vector(0.5, 0.19, 0.17), 0.22, 26.0),
        Matter::Eye => (figure::eye_colour(place), 0.9, 220.0),
        Matter::Hair => (Vector(0.115, 0.055, 0.03) * (1.0 + 0.55 * figure::strand(place)), 0.2, 12.0),
        Matter::Cloth => (Vector(0.07, 0.16, 0.2), 0.04, 8.0),
    };
    let open = openness(place, normal);
    let shadow = shadow(place + normal * 0.02, key);
    let facing = normal.dot(key);
    // Light wanders in skin, and comes out redder: the border of a shadow glows.
    let wrap = if matter == Matter::Skin { 0.22 } else { 0.05 };
    let wrapped = ((facing + wrap) / (1.0 + wrap)).max(0.0);
    let lit = Vector(wrapped.powf(0.85), wrapped, wrapped.powf(1.08)) * (0.12 + 0.88 * shadow);
    let half = (key - direction).unit();
    let shine = gloss * normal.dot(half).max(0.0).powf(sharpness) * shadow;
    let edge = (1.0 + normal.dot(direction)).max(0.0).powi(3);
    let behind = normal.dot(rim).max(0.0) * edge * shadow_free(matter);

    colour.times(Vector(1.28, 1.14, 0.98)).times(lit)
        + colour.times(Vector(0.2, 0.26, 0.36)) * (normal.dot(fill).max(0.0) * open)
        + colour.times(Vector(0.19, 0.2, 0.23)) * open
        + Vector(1.0, 0.93, 0.82) * shine
        + Vector(1.0, 0.72, 0.5) * (behind * 0.9)
}

fn shadow_free(matter: Matter) -> f32 {
    if matter == Matter::Hair { 0.55 } else { 0.35 }
}

fn normal(place: Vector) -> Vector {
    const STEP: f32 = 0.0015;
    let d = |x: f32, y: f32, z: f32| figure::at(place + Vector(x, y, z)).0;
    Vector(
        d(STEP, 0.0, 0.0) - d(-STEP, 0.0, 0.0),
        d(0.0, STEP, 0.0) - d(0.0, -STEP, 0.0),
        d(0.0, 0.0, STEP) - d(0.0, 0.0, -STEP),
    )
    .unit()
}

/// 1 in the open, towards 0 in folds.
fn openness(place: Vector, normal: Vector) -> f32 {
    let hidden: f32 = (1..=4)
        .map(|i| {
            let reach = 0.06 * i as f32;
            (reach - figure::at(place + normal * reach).0).max(0.0) / (i * i) as f32
        })
        .sum();
    (1.0 - hidden * 5.0).clamp(0.15, 1.0)
}

/// 1 in the light, 0 in full shadow, soft between.
fn shadow(place: Vector, light: Vector) -> f32 {
    let mut along = 0.03;
    let mut left = 1.0_f32;
    for _ in 0..36 {
        let distance = figure::at(place + light * along).0;
        left = left.min(9.0 * distance / along);
        along += distance.clamp(0.02, 0.2);
        if left < 0.01 || along > 3.0 {
            break;
        }
    }
    smoothstep(0.0, 1.0, left)
}

/// An evening street far out of focus.
fn background(u: f32, v: f32) -> Vector {
    let mut light = Vector(0.05, 0.11, 0.14).mix(Vector(0.24, 0.2, 0.17), smoothstep(-1.6, 1.9, v + u * 0.5));
    for i in 0..26 {
        let at = |seed| hash(i, seed);
        let centre = (at(1) * 3.6 - 1.8, at(2) * 3.0 - 0.9);
        let radius = 0.1 + 0.2 * at(3);
        let away = (u - centre.0).hypot(v - centre.1);
        let disc =
            smoothstep(radius, radius * 0.86, away) * (0.7 + 0.5 * smoothstep(0.5, 1.0, away / radius));
        let colour = Vector(0.5, 0.26, 0.1).mix(Vector(0.1, 0.28, 0.32), smoothstep(0.35, 0.65, at(4)));
        light = light + colour * (disc * 0.5 * at(5));
    }
    light
}

fn hash(x: u32, y: u32) -> f32 {
    let mut h = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77) ^ 0x1234_5678;
    h ^= h >> 15;
    h = h.wrapping_mul(0x2C1B_3C6D);
    h ^= h >> 12;
    h = h.wrapping_mul(0x297A_2D39);
    h ^= h >> 15;
    (h >> 8) as f32 / 16_777_215.0
}
