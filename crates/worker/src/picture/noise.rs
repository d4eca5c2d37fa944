//! Grain that is the same on every run and every machine: a hash of the place, not a random number.

/// A value from -1 to 1 for a pixel, most often near 0, independent between pixels and seeds.
pub(super) fn grain(x: u32, y: u32, seed: u32) -> f32 {
    unit(x, y, seed) - unit(x, y, seed ^ 0x5bd1_e995)
}

/// A value from 0 to 1 for a pixel.
pub(super) fn unit(x: u32, y: u32, seed: u32) -> f32 {
    let mut h = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77) ^ seed.wrapping_mul(0xC2B2_AE3D);
    h ^= h >> 15;
    h = h.wrapping_mul(0x2C1B_3C6D);
    h ^= h >> 12;
    h = h.wrapping_mul(0x297A_2D39);
    h ^= h >> 15;
    (h >> 8) as f32 / 16_777_215.0
}
