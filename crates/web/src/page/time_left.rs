//! How long something has: in words, as a clock, and as a ring of dots that is eaten up.
//!
//! The page's script `countdown.js` goes on from here, and counts in the same way.

/// The `pathLength` of a ring.
const RING: u64 = 240;
/// Less than this is called short.
const SHORT_SECONDS: u64 = 60;

/// What is left of a lifetime, both in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeLeft {
    pub(super) seconds: u64,
    pub(super) lifetime_seconds: u64,
}

impl TimeLeft {
    pub(super) fn words(self) -> String {
        words(self.seconds)
    }

    pub(super) fn is_short(self) -> bool {
        self.seconds < SHORT_SECONDS
    }

    /// How much of the ring is eaten up, of [`RING`].
    pub(super) fn spent(self) -> u64 {
        RING - (self.seconds * RING).div_ceil(self.lifetime_seconds.max(1)).min(RING)
    }
}

/// A length of time in its two largest units that matter: "1 hour 5 minutes", "59 minutes", "1 second".
pub fn words(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let largest = UNITS.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(UNITS.len() - 1);
    let part = |count: u64, name: &str| format!("{count} {name}{}", if count == 1 { "" } else { "s" });
    let (unit, name) = UNITS[largest];
    let first = part(seconds / unit, name);
    // Seconds after minutes only tell how long the page took.
    match UNITS.get(largest + 1) {
        Some((next, name)) if *next > 1 && seconds % unit >= *next => {
            format!("{first} {}", part(seconds % unit / next, name))
        }
        _ => first,
    }
}

/// Times to live to choose from, in seconds: the longest, which is the default, and some shorter ones.
pub(super) fn choices(longest: u64) -> Vec<u64> {
    const USUAL: [u64; 11] =
        [10, 60, 300, 900, 1800, 3600, 4 * 3600, 12 * 3600, 86_400, 3 * 86_400, 7 * 86_400];
    let shorter: Vec<u64> = USUAL.into_iter().filter(|choice| *choice < longest).collect();
    let few = shorter.len().saturating_sub(4);
    shorter[few..].iter().copied().chain([longest]).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0 seconds")]
    #[case(1, "1 second")]
    #[case(59, "59 seconds")]
    #[case(60, "1 minute")]
    #[case(119, "1 minute")]
    #[case(3599, "59 minutes")]
    #[case(3600, "1 hour")]
    #[case(3900, "1 hour 5 minutes")]
    #[case(90_000, "1 day 1 hour")]
    #[case(604_800, "7 days")]
    fn length_of_time_is_told_in_the_units_that_matter(#[case] seconds: u64, #[case] told: &str) {
        assert_eq!(words(seconds), told);
    }

    #[rstest]
    #[case(3600, 3600, 0)]
    #[case(3599, 3600, 0)]
    #[case(1800, 3600, 120)]
    #[case(1, 3600, 239)]
    #[case(0, 3600, 240)]
    #[case(9, 0, 0)]
    fn ring_is_eaten_up_with_time(#[case] seconds: u64, #[case] lifetime_seconds: u64, #[case] spent: u64) {
        assert_eq!(TimeLeft { seconds, lifetime_seconds }.spent(), spent);
    }

    #[rstest]
    #[case(3600, &[60, 300, 900, 1800, 3600])]
    #[case(7, &[7])]
    #[case(60, &[10, 60])]
    #[case(604_800, &[14_400, 43_200, 86_400, 259_200, 604_800])]
    fn choices_end_with_the_longest(#[case] longest: u64, #[case] expected: &[u64]) {
        assert_eq!(choices(longest), expected);
    }
}
