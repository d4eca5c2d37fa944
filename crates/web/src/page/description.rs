//! What a picture looks like, in a few words.

use super::colour_name;
use super::fingerprint::{self, Cell};

/// A description of an image, as the worker made it.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Of the file, in bytes.
    pub size_bytes: u64,
    /// As `#rrggbb`, the one that covers most first.
    pub palette: Vec<String>,
    /// 16 hexadecimal digits.
    pub perceptual_hash: String,
    /// A blurred placeholder in a few characters.
    pub blurhash: String,
}

/// One colour of a palette.
pub(super) struct Swatch<'a> {
    pub(super) colour: &'a str,
    pub(super) name: &'static str,
}

impl Description {
    /// Its colours with a word for each; what is no colour is left out.
    pub(super) fn swatches(&self) -> impl Iterator<Item = Swatch<'_>> {
        self.palette.iter().filter_map(|colour| Some(Swatch { colour, name: colour_name::of(colour)? }))
    }

    /// Such as "mostly paper, with rust and taupe".
    pub(super) fn in_words(&self) -> Option<String> {
        let mut names: Vec<&str> = Vec::new();
        for swatch in self.swatches() {
            if !names.contains(&swatch.name) {
                names.push(swatch.name);
            }
        }
        match names[..] {
            [] => None,
            [only] => Some(format!("mostly {only}")),
            [first, second] => Some(format!("mostly {first}, with {second}")),
            [first, second, third, ..] => Some(format!("mostly {first}, with {second} and {third}")),
        }
    }

    /// Such as "212 kB".
    pub(super) fn file_size(&self) -> String {
        bytes(self.size_bytes)
    }

    pub(super) fn hash_dots(&self) -> String {
        fingerprint::dots(&self.perceptual_hash)
    }

    pub(super) fn blur_grid(&self) -> (u32, u32) {
        fingerprint::grid(self.width, self.height)
    }

    pub(super) fn blur_cells(&self) -> Vec<Cell> {
        fingerprint::cells(&self.blurhash, self.width, self.height)
    }
}

/// Such as "10 MB" (a million bytes each) or "212 kB".
pub(super) fn bytes(count: u64) -> String {
    match count {
        1_000_000.. if count.is_multiple_of(1_000_000) => format!("{} MB", count / 1_000_000),
        1_000_000.. => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
        1000.. => format!("{} kB", count / 1000),
        _ => format!("{count} bytes"),
    }
}

/// What a picture shows to those who do not see it.
pub(super) fn alt(effect: &str, description: &Description) -> String {
    let title = title(effect);
    match description.in_words() {
        Some(words) => format!("{title}, {words}"),
        None => title,
    }
}

/// Such as "Halftone portrait".
pub(super) fn title(effect: &str) -> String {
    let mut letters = effect.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{} portrait", letters.as_str()).trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn picture_is_told_by_its_effect_and_its_colours() {
        let palette = ["#f7f0e1", "#f6efe0", "nonsense", "#120e38", "#f05f57", "#ff0000"];
        let description =
            Description { palette: palette.map(str::to_owned).to_vec(), ..Description::default() };
        assert_eq!(
            alt("duotone", &description),
            "Duotone portrait, mostly paper, with midnight blue and coral"
        );
        assert_eq!(alt("", &Description::default()), "portrait");
    }

    #[rstest]
    #[case(0, "0 bytes")]
    #[case(212_345, "212 kB")]
    #[case(10_000_000, "10 MB")]
    #[case(2_560_000, "2.5 MB")]
    fn size_is_told_in_units_people_use(#[case] count: u64, #[case] told: &str) {
        assert_eq!(bytes(count), told);
    }
}
