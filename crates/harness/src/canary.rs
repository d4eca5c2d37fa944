//! Canaries: the secrets a run plants, the forms they may take, and the search for them.

use std::{collections::BTreeMap, fmt};

use aho_corasick::AhoCorasick;
use base64::{Engine, alphabet, engine::general_purpose::GeneralPurpose, engine::general_purpose::NO_PAD};
use rand::RngExt;
use serde::Serialize;

/// Characters of a canary. Letters and digits only, so that it is sound in a DSN, a header and a shell word.
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Long enough (238 bits) that no surface holds it by chance.
const LENGTH: usize = 40;

/// A planted secret: its name, and a value that never appears in any output.
#[derive(Clone)]
pub struct Canary {
    name: String,
    value: String,
}

impl Canary {
    /// A fresh random canary.
    pub fn plant(name: &str) -> Self {
        let mut random = rand::rng();
        let value =
            (0..LENGTH).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect();
        Self { name: name.into(), value }
    }

    /// A secret that exists already, to be searched for and redacted.
    pub fn known(name: &str, value: &str) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// The secret's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The secret's value, for whoever must be given it.
    pub fn reveal(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canary({}, …)", self.name)
    }
}

/// The form a canary was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As it is.
    Plain,
    /// Base64, standard or URL alphabet, at any of the three alignments.
    Base64,
    /// Hexadecimal, lower or upper case.
    Hex,
    /// Percent-encoded byte by byte, lower or upper case.
    Percent,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Percent => "percent",
        })
    }
}

/// A canary found where it must not be. Never holds the secret's bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Which canary.
    pub canary: String,
    /// In which form.
    pub form: Form,
    /// At which byte of the surface's text.
    pub offset: usize,
}

/// Looks for a set of canaries in all their forms at once.
pub struct Search {
    automaton: AhoCorasick,
    owners: Vec<(String, Form)>,
    markers: AhoCorasick,
}

impl Search {
    /// A search for `canaries`, whose readers prove themselves by `marker`.
    ///
    /// # Panics
    /// Never in practice: the patterns are few and short, far from the automaton's limits.
    #[expect(
        clippy::expect_used,
        reason = "some hundred short patterns cannot exceed the automaton's limits"
    )]
    pub fn new<'a>(canaries: impl IntoIterator<Item = &'a Canary>, marker: &str) -> Self {
        let mut patterns = BTreeMap::new();
        for canary in canaries.into_iter().filter(|canary| !canary.value.is_empty()) {
            for (form, pattern) in forms(&canary.value) {
                patterns.entry(pattern).or_insert((canary.name.clone(), form));
            }
        }
        let (patterns, owners): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let automaton = AhoCorasick::new(&patterns).expect("a few hundred short patterns");
        let markers = AhoCorasick::new([marker]).expect("one short pattern");
        Self { automaton, owners, markers }
    }

    /// Every canary in `text`, in any form, with its first offset. Forms are found across line breaks, spaces and colons
    /// too, as encoders and dumpers put them in.
    pub fn findings(&self, text: &[u8]) -> Vec<Finding> {
        let mut first = BTreeMap::new();
        for found in self.automaton.find_overlapping_iter(text) {
            let (canary, form) = &self.owners[found.pattern().as_usize()];
            first.entry((canary, *form)).or_insert(found.start());
        }
        let in_between = |byte: &u8| byte.is_ascii_whitespace() || *byte == b':';
        let joined: Vec<u8> = text.iter().copied().filter(|byte| !in_between(byte)).collect();
        for found in self.automaton.find_overlapping_iter(&joined) {
            let (canary, form) = &self.owners[found.pattern().as_usize()];
            first.entry((canary, *form)).or_insert_with(|| {
                let kept = text.iter().enumerate().filter(|(_, byte)| !in_between(byte));
                kept.map(|(offset, _)| offset).nth(found.start()).unwrap_or(0)
            });
        }
        first
            .into_iter()
            .map(|((canary, form), offset)| Finding { canary: canary.clone(), form, offset })
            .collect()
    }

    /// Whether the control marker is in `text`.
    pub fn sees_marker(&self, text: &[u8]) -> bool {
        self.markers.is_match(text)
    }

    /// `text` with every canary, in any form, replaced by its name: for anything that people are shown.
    pub fn redact(&self, text: &str) -> String {
        let mut ranges: Vec<_> = self
            .automaton
            .find_overlapping_iter(text)
            .map(|found| (found.start(), found.end(), found.pattern().as_usize()))
            .collect();
        ranges.sort_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)));
        let mut redacted = String::with_capacity(text.len());
        let mut position = 0;
        for (start, end, pattern) in ranges {
            if start < position {
                position = position.max(end);
                continue;
            }
            redacted.push_str(&text[position..start]);
            redacted.push_str("[secret ");
            redacted.push_str(&self.owners[pattern].0);
            redacted.push(']');
            position = end;
        }
        redacted.push_str(&text[position.min(text.len())..]);
        redacted
    }
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Search({} patterns)", self.owners.len())
    }
}

/// All forms of a secret that are searched for.
fn forms(secret: &str) -> Vec<(Form, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let percent = |upper: bool| {
        bytes.iter().fold(String::new(), |text, byte| {
            text + if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") }.as_str()
        })
    };
    let mut all = vec![
        (Form::Plain, bytes.to_vec()),
        (Form::Hex, hex::encode(bytes).into_bytes()),
        (Form::Hex, hex::encode_upper(bytes).into_bytes()),
        (Form::Percent, percent(false).into_bytes()),
        (Form::Percent, percent(true).into_bytes()),
    ];
    for alphabet in [alphabet::STANDARD, alphabet::URL_SAFE] {
        let engine = GeneralPurpose::new(&alphabet, NO_PAD);
        for alignment in 0..3 {
            all.push((Form::Base64, base64_core(&engine, bytes, alignment)));
        }
    }
    all
}

/// The part of the secret's base64 that does not depend on what stands before or after it, when it begins
/// `alignment` bytes into a group of three.
fn base64_core(engine: &GeneralPurpose, secret: &[u8], alignment: usize) -> Vec<u8> {
    let padded = [&vec![0; alignment], secret].concat();
    let encoded = engine.encode(&padded).into_bytes();
    // Six bits a character: the first that holds only bits of the secret, and the last.
    let first = (alignment * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    encoded[first..last].to_vec()
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn planted() -> (Canary, Search) {
        let canary = Canary::plant("redis_password");
        let search = Search::new([&canary], "marker-1");
        (canary, search)
    }

    #[test]
    fn every_form_is_found_alone() {
        let (canary, search) = planted();
        for (form, pattern) in forms(canary.reveal()) {
            let found = search.findings(&pattern);
            assert!(found.iter().any(|finding| finding.form == form), "{form} is not found");
        }
    }

    #[test]
    fn a_form_is_found_across_line_breaks_and_separators() {
        let (canary, search) = planted();
        let hex = hex::encode(canary.reveal());
        let dumped: Vec<&str> = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]).collect();
        let whole = format!("postgres://app:{}@postgres:5432/shakedown", canary.reveal());
        let wrapped = BASE64_STANDARD.encode(whole);
        let (first, second) = wrapped.split_at(30);
        for text in [dumped.join(" "), dumped.join(":"), format!("log: {first}\n{second}\n")] {
            assert!(!search.findings(text.as_bytes()).is_empty());
        }
        assert_eq!(search.findings(format!("ab {}", dumped.join(" ")).as_bytes())[0].offset, 3);
    }

    #[test]
    fn a_canary_is_never_shown_by_debug() {
        let (canary, search) = planted();
        assert!(!format!("{canary:?} {search:?}").contains(canary.reveal()));
    }

    #[test]
    fn text_without_a_canary_gives_no_finding() {
        let (_, search) = planted();
        assert_eq!(search.findings(b"redis_password=hunter2 marker-1"), []);
        assert!(search.sees_marker(b"... marker-1 ..."));
        assert!(!search.sees_marker(b"... marker-2 ..."));
    }

    proptest! {
        #[test]
        fn base64_is_found_whatever_stands_around_it(
            before in proptest::collection::vec(any::<u8>(), 0..20),
            after in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let (canary, search) = planted();
            let whole = [before.as_slice(), canary.reveal().as_bytes(), &after].concat();
            for encoded in [BASE64_STANDARD.encode(&whole), BASE64_URL_SAFE_NO_PAD.encode(&whole)] {
                prop_assert!(!search.findings(encoded.as_bytes()).is_empty());
            }
        }

        #[test]
        fn redaction_leaves_no_finding_and_loses_no_other_text(before in "[ a-z]{0,20}", after in "[ a-z]{0,20}") {
            let (canary, search) = planted();
            let text = format!("{before}{}{after}", canary.reveal());
            let redacted = search.redact(&text);
            prop_assert_eq!(search.findings(redacted.as_bytes()), vec![]);
            prop_assert_eq!(redacted, format!("{before}[secret redis_password]{after}"));
        }
    }
}
