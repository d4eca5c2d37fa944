//! A word for a colour, for those who do not see it.

/// Words for the colours that our inks and common photos make.
const NAMES: [(&str, [i32; 3]); 34] = [
    ("black", [0x10, 0x10, 0x14]),
    ("charcoal", [0x3a, 0x3a, 0x40]),
    ("grey", [0x80, 0x80, 0x84]),
    ("silver", [0xbe, 0xbe, 0xc2]),
    ("white", [0xff, 0xff, 0xff]),
    ("paper", [0xf6, 0xef, 0xe0]),
    ("cream", [0xff, 0xe4, 0xc0]),
    ("sand", [0xd8, 0xc4, 0xa4]),
    ("tan", [0xb8, 0x94, 0x70]),
    ("taupe", [0x96, 0x84, 0x7c]),
    ("brown", [0x7c, 0x4c, 0x30]),
    ("dark brown", [0x44, 0x2a, 0x22]),
    ("peach", [0xff, 0xb9, 0x8a]),
    ("apricot", [0xf2, 0x9a, 0x5c]),
    ("orange", [0xf2, 0x7c, 0x22]),
    ("rust", [0xb0, 0x50, 0x30]),
    ("coral", [0xf0, 0x60, 0x58]),
    ("red", [0xd0, 0x22, 0x2e]),
    ("dark red", [0x80, 0x18, 0x28]),
    ("pink", [0xf4, 0xa0, 0xb4]),
    ("crimson", [0xcc, 0x2c, 0x58]),
    ("magenta", [0xb0, 0x30, 0x80]),
    ("plum", [0x74, 0x28, 0x70]),
    ("violet", [0x58, 0x34, 0x90]),
    ("indigo", [0x30, 0x1c, 0x60]),
    ("midnight blue", [0x14, 0x12, 0x3c]),
    ("blue", [0x28, 0x58, 0xb8]),
    ("steel blue", [0x58, 0x7c, 0x98]),
    ("sky blue", [0x90, 0xc0, 0xe0]),
    ("teal", [0x20, 0x80, 0x84]),
    ("green", [0x38, 0x90, 0x48]),
    ("dark green", [0x1c, 0x4a, 0x2c]),
    ("olive", [0x80, 0x80, 0x38]),
    ("yellow", [0xf8, 0xd0, 0x40]),
];

/// The name of the nearest colour we have a word for; `None` for what is not `#rrggbb`.
pub(super) fn of(colour: &str) -> Option<&'static str> {
    let digits = colour.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let number = i32::from_str_radix(digits, 16).ok()?;
    let [r, g, b] = [16, 8, 0].map(|shift| (number >> shift) & 0xff);
    let distance = |other: [i32; 3]| {
        // Eyes see green best and tell reds apart best in light colours ("redmean").
        let mean = i32::midpoint(r, other[0]);
        let [r, g, b] = [r - other[0], g - other[1], b - other[2]];
        (512 + mean) * r * r / 256 + 4 * g * g + (767 - mean) * b * b / 256
    };
    NAMES.iter().min_by_key(|(_, other)| distance(*other)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("#f7f0e1", Some("paper"))]
    #[case("#120e38", Some("midnight blue"))]
    #[case("#f05f57", Some("coral"))]
    #[case("#FF0000", Some("red"))]
    #[case("#ff000", None)]
    #[case("red", None)]
    #[case("#\u{202e}abc", None)]
    fn colour_has_a_word(#[case] colour: &str, #[case] name: Option<&str>) {
        assert_eq!(of(colour), name);
    }
}
