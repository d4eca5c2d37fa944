//! The figure as a distance field: how far any place is from it, and what it is made of there.

use super::vector::{Vector, smoothstep};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Matter {
    Skin,
    Lips,
    Eye,
    Hair,
    Cloth,
}

/// The head looks a little to the side, as people do.
const TURN: f32 = 0.24;
const EYE: Vector = Vector(0.265, 0.1, 0.575);

/// Distance to the figure and its matter at a place.
pub(crate) fn at(place: Vector) -> (f32, Matter) {
    let p = place.turned(-TURN);
    let mut nearest = (skin(p, place), Matter::Skin);
    let mut offer = |distance: f32, matter| {
        if distance < nearest.0 {
            nearest = (distance, matter);
        }
    };
    offer(lips(p), Matter::Lips);
    offer(ball(mirrored(p) - EYE, 0.148), Matter::Eye);
    offer(hair(p, place).min(brows(p)), Matter::Hair);
    offer(cloth(place), Matter::Cloth);
    nearest
}

/// Colour of an eye: iris and pupil look past the camera.
pub(crate) fn eye_colour(place: Vector) -> Vector {
    let p = place.turned(-TURN);
    let side = p.0.signum();
    let gaze = Vector(-0.2, -0.02, 1.0).unit();
    let out = (p - Vector(EYE.0 * side, EYE.1, EYE.2)).unit();
    let away = (1.0 - out.dot(gaze)).max(0.0);
    let white = Vector(0.72, 0.68, 0.66);
    let iris = Vector(0.10, 0.22, 0.25).mix(Vector(0.25, 0.38, 0.33), smoothstep(0.02, 0.08, away));
    white
        .mix(iris, smoothstep(0.115, 0.1, away))
        .mix(Vector(0.01, 0.01, 0.012), smoothstep(0.026, 0.018, away))
}

/// How much warmer the skin is: cheeks, tip of the nose.
pub(crate) fn blush(place: Vector) -> f32 {
    let p = mirrored(place.turned(-TURN));
    let cheek = (-(p - Vector(0.4, -0.2, 0.62)).dot(p - Vector(0.4, -0.2, 0.62)) * 9.0).exp();
    let nose = (-(p - Vector(0.0, -0.12, 0.98)).dot(p - Vector(0.0, -0.12, 0.98)) * 30.0).exp();
    cheek + nose * 0.8
}

fn skin(p: Vector, place: Vector) -> f32 {
    let m = mirrored(p);
    let mut d = ellipsoid(p - Vector(0.0, 0.24, -0.1), Vector(0.72, 0.82, 0.82));
    d = join(d, ellipsoid(p - Vector(0.0, -0.36, 0.1), Vector(0.53, 0.58, 0.56)), 0.28);
    d = join(d, ball(m - Vector(0.34, -0.13, 0.44), 0.2), 0.24); // cheekbones
    d = join(d, ball(p - Vector(0.0, -0.84, 0.46), 0.1), 0.2); // chin
    d = join(d, ellipsoid(m - Vector(0.26, 0.3, 0.6), Vector(0.22, 0.07, 0.1)), 0.12); // ridge of the brows
    d = cut(d, ball(m - Vector(0.28, 0.1, 0.84), 0.17), 0.14); // sockets
    d = join(d, capsule(p, Vector(0.0, 0.24, 0.68), Vector(0.0, -0.12, 0.84), 0.05), 0.1);
    d = join(d, ball(p - Vector(0.0, -0.15, 0.85), 0.068), 0.07);
    d = join(d, ball(m - Vector(0.082, -0.18, 0.77), 0.048), 0.05);
    d = cut(d, ball(m - Vector(0.042, -0.225, 0.83), 0.02), 0.03); // nostrils
    d = join(d, lids(m), 0.03);
    d = cut(d, capsule(p, Vector(0.0, -0.3, 0.8), Vector(0.0, -0.38, 0.76), 0.015), 0.06); // philtrum
    d = join(d, ellipsoid(p - Vector(0.0, -0.48, 0.52), Vector(0.25, 0.17, 0.13)), 0.12);
    d = join(d, ellipsoid(m - Vector(0.74, 0.02, -0.1), Vector(0.07, 0.2, 0.13)), 0.05);
    join(d, capsule(place, Vector(0.0, -0.7, -0.16), Vector(0.0, -1.6, -0.22), 0.33), 0.16)
}

/// Lids lie on the eyeball and leave an almond open.
fn lids(m: Vector) -> f32 {
    let e = m - EYE;
    let arch = 0.058 - 2.2 * e.0 * e.0;
    let open = (e.1 - arch).max(-e.1 - 0.046 + 1.7 * e.0 * e.0);
    ball(e, 0.16).max(-open)
}

fn lips(p: Vector) -> f32 {
    // Corners lie a little higher and further back than the middle.
    let m = mirrored(p) + Vector(0.0, -0.35 * p.0 * p.0, 0.75 * p.0 * p.0);
    let bow = 0.008 * (m.0 * 18.0).cos();
    let upper = ellipsoid(m - Vector(0.06, -0.452 - bow, 0.645), Vector(0.19, 0.034, 0.06));
    let lower = ellipsoid(m - Vector(0.0, -0.515, 0.638), Vector(0.19, 0.043, 0.068));
    upper.min(lower)
}

fn brows(p: Vector) -> f32 {
    let m = mirrored(p);
    let inner = capsule(m, Vector(0.14, 0.345, 0.735), Vector(0.32, 0.365, 0.685), 0.024);
    join(inner, capsule(m, Vector(0.32, 0.365, 0.685), Vector(0.47, 0.29, 0.605), 0.015), 0.03) * 0.8
}

fn hair(p: Vector, place: Vector) -> f32 {
    let m = mirrored(p);
    let mut d = ellipsoid(p - Vector(0.0, 0.42, -0.2), Vector(0.87, 0.82, 0.86));
    d = join(d, ellipsoid(m - Vector(0.72, -0.42, -0.3), Vector(0.27, 0.95, 0.36)), 0.3);
    d = join(d, ellipsoid(p - Vector(0.0, -0.4, -0.5), Vector(0.75, 1.0, 0.3)), 0.3);
    // The face, with a parting to one side.
    let parting = Vector(0.1 * (p.1 - 0.2).max(0.0), 0.0, 0.0);
    d = cut(d, ellipsoid(p - Vector(0.02, -0.3, 0.72) - parting, Vector(0.63, 0.98, 0.62)), 0.1);
    let wave = (p.1 * 2.6).sin() * 1.6 + p.1 * 3.0;
    let lock = (p.0 * 11.0 + p.2 * 7.0 + wave).sin();
    d + lock * 0.014 + 0.0035 * strand(place)
}

/// Fine structure of the hair, from -1 to 1.
pub(crate) fn strand(place: Vector) -> f32 {
    let p = place.turned(-TURN);
    let wave = (p.1 * 2.6).sin() * 4.0 + p.1 * 7.0;
    0.6 * (p.0 * 47.0 + p.2 * 31.0 + wave).sin() + 0.4 * (p.0 * 113.0 + p.2 * 67.0 + wave * 2.1).sin()
}

fn cloth(p: Vector) -> f32 {
    let shoulders = ellipsoid(p - Vector(0.0, -2.12, -0.25), Vector(1.5, 0.74, 0.62));
    let collar = capsule(p, Vector(-0.2, -1.42, -0.12), Vector(0.2, -1.42, -0.12), 0.34);
    let knit = (p.0 * 46.0).sin() * 0.004 + (p.1 * 18.0).sin() * 0.006;
    cut(join(shoulders, collar, 0.2), ellipsoid(p - Vector(0.0, -1.2, 0.1), Vector(0.36, 0.4, 0.5)), 0.05)
        + knit
}

fn mirrored(p: Vector) -> Vector {
    Vector(p.0.abs(), p.1, p.2)
}

fn ball(p: Vector, radius: f32) -> f32 {
    p.length() - radius
}

fn ellipsoid(p: Vector, radii: Vector) -> f32 {
    let scaled = Vector(p.0 / radii.0, p.1 / radii.1, p.2 / radii.2);
    let slope = Vector(scaled.0 / radii.0, scaled.1 / radii.1, scaled.2 / radii.2);
    scaled.length() * (scaled.length() - 1.0) / slope.length().max(1e-6)
}

fn capsule(p: Vector, a: Vector, b: Vector, radius: f32) -> f32 {
    let (to_p, to_b) = (p - a, b - a);
    (to_p - to_b * (to_p.dot(to_b) / to_b.dot(to_b)).clamp(0.0, 1.0)).length() - radius
}

/// Union with a seam of width `soft`.
fn join(a: f32, b: f32, soft: f32) -> f32 {
    let h = (0.5 + 0.5 * (b - a) / soft).clamp(0.0, 1.0);
    b + (a - b) * h - soft * h * (1.0 - h)
}

/// `a` without `b`, with a rim of width `soft`.
fn cut(a: f32, b: f32, soft: f32) -> f32 {
    -join(-a, b, soft)
}
