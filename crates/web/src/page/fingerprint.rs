//! A description's hashes as little pictures: 64 bits as dots, and what a `BlurHash` stands for.

use std::fmt::Write;

/// Side of the grid of dots; 64 bits are 8 by 8.
const SIDE: u32 = 8;
/// Cells of a blurred picture, along its shorter and its longer edge.
const CELLS: (u32, u32) = (6, 8);

/// The data of an SVG path that draws a large dot for each bit set and a small one for the others, in a box of
/// 80 by 80. Empty for what is not 16 hexadecimal digits.
pub(super) fn dots(perceptual_hash: &str) -> String {
    let Some(bits) = Some(perceptual_hash)
        .filter(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|hash| u64::from_str_radix(hash, 16).ok())
    else {
        return String::new();
    };
    let mut path = String::new();
    for bit in 0..SIDE * SIDE {
        let radius = if bits >> (SIDE * SIDE - 1 - bit) & 1 == 1 { 4.6 } else { 1.4 };
        let (x, y) = (bit % SIDE * 10 + 5, bit / SIDE * 10 + 5);
        // Writing to memory does not fail.
        let _ = write!(
            path,
            "M{x} {y}m-{radius} 0a{radius} {radius} 0 1 0 {0} 0a{radius} {radius} 0 1 0-{0} 0",
            radius * 2.0
        );
    }
    path
}

/// A rectangle of one colour.
pub(super) struct Cell {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) colour: String,
}

/// What the `BlurHash` of a picture of these proportions looks like, cell by cell; nothing for what is none.
pub(super) fn cells(blur_hash: &str, width: u32, height: u32) -> Vec<Cell> {
    let (across, down) = grid(width, height);
    // The shortest has one component; a longer one than 9 by 9 does not exist.
    if !(6..=166).contains(&blur_hash.len()) || !blur_hash.is_ascii() {
        return Vec::new();
    }
    let Ok(pixels) = blurhash::decode(blur_hash, across, down, 1.0) else { return Vec::new() };
    pixels
        .chunks_exact(4)
        .zip(0..)
        .map(|(pixel, i)| Cell {
            x: i % across,
            y: i / across,
            colour: format!("#{:02x}{:02x}{:02x}", pixel[0], pixel[1], pixel[2]),
        })
        .collect()
}

/// Cells across and down.
pub(super) fn grid(width: u32, height: u32) -> (u32, u32) {
    if width > height { (CELLS.1, CELLS.0) } else { CELLS }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn dots_are_large_where_bits_are_set() {
        assert_eq!(dots("ffffffffffffffff").matches("a4.6 ").count(), 128);
        assert_eq!(dots("8000000000000001").matches("a4.6 ").count(), 4);
        assert!(dots("8000000000000000").starts_with("M5 5m-4.6 0"));
    }

    #[rstest]
    #[case("")]
    #[case("<script>alert(1)")]
    #[case("+fffffffffffffff")]
    #[case("fffffffffffffff")]
    fn what_is_no_hash_draws_nothing(#[case] text: &str) {
        assert_eq!(dots(text), "");
        assert!(cells(text, 3, 4).is_empty(), "{text}");
    }

    #[test]
    fn blur_hash_becomes_as_many_cells_as_fit_its_shape() {
        let cells = cells("LEHV6nWB2yk8pyo0adR*.7kCMdnj", 400, 300);
        assert_eq!(cells.len(), 48);
        assert_eq!((cells[47].x, cells[47].y), (7, 5));
    }
}
