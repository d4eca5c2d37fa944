//! Colour spaces: sRGB, linear light, and Oklab (where distances are about as large as they look).

/// sRGB (0 to 1) to linear light.
pub(super) fn to_linear(value: f32) -> f32 {
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// Linear light to sRGB (0 to 1).
pub(super) fn to_srgb(value: f32) -> f32 {
    if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 }
}

/// Linear light to a stored byte.
pub(super) fn to_byte(value: f32) -> u8 {
    (to_srgb(value.clamp(0.0, 1.0)) * 255.0).round() as u8
}

/// The linear light of a colour as people write it, 0xRRGGBB.
pub(super) fn hex(colour: u32) -> [f32; 3] {
    [16, 8, 0].map(|shift| to_linear(((colour >> shift) & 0xFF) as f32 / 255.0))
}

/// Lightness (0 to 1) and two colour axes of linear light.
pub(super) fn to_oklab([r, g, b]: [f32; 3]) -> [f32; 3] {
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

/// The inverse of [`to_oklab`]; may lie outside 0 to 1 where no screen can show the colour.
pub(super) fn from_oklab([lightness, a, b]: [f32; 3]) -> [f32; 3] {
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ]
}

/// From `a` at 0 to `b` at 1.
pub(super) fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `low`, 1 above `high`, smooth between.
pub(super) fn smoothstep(low: f32, high: f32, value: f32) -> f32 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_byte_colour_survives_the_way_to_oklab_and_back(r: u8, g: u8, b: u8) {
            let linear = [r, g, b].map(|v| to_linear(f32::from(v) / 255.0));
            prop_assert_eq!(from_oklab(to_oklab(linear)).map(to_byte), [r, g, b]);
        }
    }
}
