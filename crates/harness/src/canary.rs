//! Canaries: the secrets a run plants, the forms they may take, and the search for them.

use std::{collections::BTreeMap, fmt};

use aho_corasick::AhoCorasick;
use base64::{
    Engine, alphabet,
    engine::general_purpose::{GeneralPurpose, NO_PAD},
    prelude::BASE64_STANDARD,
};
use serde::Serialize;

/// Random bytes of a canary: no surface holds 256 bits by chance, and some keys are of just this length.
const LENGTH_BYTES: usize = 32;
/// Bytes of the number that a private key on P-256 is.
const SCALAR: usize = 32;
/// A line of a key's PEM tells something when at least so many of its characters are secret (96 bits).
const MIN_TELLING: usize = 16;

/// What every private key on the curve P-256 has right before its 32 secret bytes, in PKCS#8 and SEC 1 alike: version 1,
/// then a string of 32 bytes (RFC 5915).
const BEFORE_SCALAR: [u8; 5] = [0x02, 0x01, 0x01, 0x04, 0x20];

/// A planted secret: its name, and a value that never appears in any output.
#[derive(Clone)]
pub struct Canary {
    name: String,
    value: String,
    /// Strings of bytes each of which gives the secret away, in whatever form.
    telling: Vec<Vec<u8>>,
}

impl Canary {
    /// A fresh random canary, in hexadecimal digits: sound in a DSN, a header and a shell word, and taken by those who
    /// take nothing else, as S3 stores do for a key's secret.
    pub fn plant(name: &str) -> Self {
        Self::known(name, &hex::encode(rand::random::<[u8; LENGTH_BYTES]>()))
    }

    /// A secret that exists already, to be searched for and redacted.
    pub fn known(name: &str, value: &str) -> Self {
        Self { name: name.into(), value: value.into(), telling: vec![value.as_bytes().to_vec()] }
    }

    /// A private key in PEM. Of a key on P-256, its number gives it away, and each line of the PEM that holds some of
    /// that; the rest is the public key, which every certificate shows. Any other key is searched for as a whole.
    pub fn private_key(name: &str, pem: &str) -> Self {
        let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = BASE64_STANDARD.decode(lines.concat()).unwrap_or_default();
        let before = der.windows(BEFORE_SCALAR.len()).position(|bytes| bytes == BEFORE_SCALAR);
        let scalar = before.map(|at| at + BEFORE_SCALAR.len()..at + BEFORE_SCALAR.len() + SCALAR);
        let telling = match scalar.and_then(|range| Some((der.get(range.clone())?, range))) {
            Some((scalar, range)) => {
                // Three bytes are four characters.
                let (first, last) = (range.start * 4 / 3, (range.end * 4).div_ceil(3));
                let mut at = 0;
                let tells = lines.iter().filter(|line| {
                    let begin = at;
                    at += line.len();
                    begin + MIN_TELLING <= last && first + MIN_TELLING <= at
                });
                let tells = tells.map(|line| line.as_bytes().to_vec());
                tells.chain([scalar.to_vec()]).collect()
            }
            None => [pem.as_bytes().to_vec(), der].into_iter().filter(|bytes| !bytes.is_empty()).collect(),
        };
        Self { name: name.into(), value: pem.into(), telling }
    }

    /// Bytes that are no text, any of which gives the whole away.
    pub fn of_bytes(name: &str, telling: Vec<Vec<u8>>) -> Self {
        Self { name: name.into(), value: String::new(), telling }
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
    in_between: AhoCorasick,
}

/// What encoders and dumpers put between the characters of what they show.
const IN_BETWEEN: [u8; 6] = [b' ', b'\t', b'\n', b'\x0C', b'\r', b':'];

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
        for canary in canaries {
            let telling = canary.telling.iter().filter(|bytes| !bytes.is_empty());
            for (form, pattern) in telling.flat_map(|bytes| forms(bytes)) {
                patterns.entry(pattern).or_insert((canary.name.clone(), form));
            }
        }
        let (patterns, owners): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let automaton = AhoCorasick::new(&patterns).expect("a few hundred short patterns");
        let markers = AhoCorasick::new([marker]).expect("one short pattern");
        let in_between = AhoCorasick::new(IN_BETWEEN.map(|byte| [byte])).expect("a few single bytes");
        Self { automaton, owners, markers, in_between }
    }

    /// Every canary in `text`, in any form, with its first offset. Forms are found across line breaks, spaces and colons
    /// too, as encoders and dumpers put them in.
    pub fn findings(&self, text: &[u8]) -> Vec<Finding> {
        let mut first = BTreeMap::new();
        for found in self.automaton.find_overlapping_iter(text) {
            let (canary, form) = &self.owners[found.pattern().as_usize()];
            first.entry((canary, *form)).or_insert(found.start());
        }
        let joined = self.joined(text);
        for found in self.automaton.find_overlapping_iter(&joined) {
            let (canary, form) = &self.owners[found.pattern().as_usize()];
            first.entry((canary, *form)).or_insert_with(|| {
                let kept = text.iter().enumerate().filter(|(_, byte)| !IN_BETWEEN.contains(byte));
                kept.map(|(offset, _)| offset).nth(found.start()).unwrap_or(0)
            });
        }
        first
            .into_iter()
            .map(|((canary, form), offset)| Finding { canary: canary.clone(), form, offset })
            .collect()
    }

    /// `text` without anything in between. Piece by piece, because there may be a whole database of it.
    fn joined(&self, text: &[u8]) -> Vec<u8> {
        let mut joined = Vec::with_capacity(text.len());
        let mut begin = 0;
        for found in self.in_between.find_iter(text) {
            joined.extend_from_slice(&text[begin..found.start()]);
            begin = found.end();
        }
        joined.extend_from_slice(&text[begin..]);
        joined
    }

    /// Whether the control marker is in `text`.
    pub fn sees_marker(&self, text: &[u8]) -> bool {
        self.markers.is_match(text)
    }

    /// How often the control marker is in `text`.
    pub fn times_marker(&self, text: &[u8]) -> usize {
        self.markers.find_iter(text).count()
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
            // A secret that is no text may begin and end within a character.
            let (start, end) = (text.floor_char_boundary(start), text.ceil_char_boundary(end));
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
fn forms(bytes: &[u8]) -> Vec<(Form, Vec<u8>)> {
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
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;
    use crate::authority::Authority;

    fn planted() -> (Canary, Search) {
        let canary = Canary::plant("redis_password");
        let search = Search::new([&canary], "marker-1");
        (canary, search)
    }

    #[test]
    fn every_form_is_found_alone() {
        let (canary, search) = planted();
        for (form, pattern) in forms(canary.reveal().as_bytes()) {
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

    /// A key as the entrance has it: its canary, its certificate in PEM, its DER and its number.
    fn key() -> (Canary, String, Vec<u8>, Vec<u8>) {
        let (_, entrance) = Authority::of_a_run("shakedown.localhost").unwrap();
        let body: String = entrance.key_pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = BASE64_STANDARD.decode(body).unwrap();
        let scalar = der[36..68].to_vec();
        (Canary::private_key("tls_key", &entrance.key_pem), entrance.certificate_pem, der, scalar)
    }

    #[test]
    fn a_private_key_is_found_in_every_form_that_it_can_leak_in() {
        let (canary, _, der, scalar) = key();
        let search = Search::new([&canary], "marker-1");
        let pem = canary.reveal();
        let lines: Vec<&str> = pem.lines().collect();
        let unwrapped = lines[1..lines.len() - 1].concat();
        let wider =
            unwrapped.as_bytes().chunks(76).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
        let dump: Vec<String> = scalar.iter().map(|byte| format!("{byte:02x}")).collect();
        for (what, leak) in [
            ("the file", pem.as_bytes().to_vec()),
            ("the file in JSON", serde_json::to_vec(pem).unwrap()),
            ("its first line", format!("{{\"log\":\"{}\"}}", lines[1]).into_bytes()),
            ("its second line", format!("{{\"log\":\"{}\"}}", lines[2]).into_bytes()),
            ("its body without line breaks", unwrapped.clone().into_bytes()),
            ("its body with longer lines", wider.into_bytes()),
            ("the file in base64", BASE64_STANDARD.encode(format!("x{pem}")).into_bytes()),
            ("its body in base64", BASE64_URL_SAFE_NO_PAD.encode(&unwrapped).into_bytes()),
            ("its DER", der.clone()),
            ("its DER in hex", hex::encode(&der).into_bytes()),
            ("its DER in base64", BASE64_STANDARD.encode(&der).into_bytes()),
            ("its number", scalar.clone()),
            ("its number in hex", hex::encode_upper(&scalar).into_bytes()),
            ("its number as openssl shows it", dump.join(":").into_bytes()),
            ("its number in base64", BASE64_STANDARD.encode(&scalar).into_bytes()),
            ("its number in a JSON web key", BASE64_URL_SAFE_NO_PAD.encode(&scalar).into_bytes()),
        ] {
            let leak = [b"before ".as_slice(), &leak, b" after"].concat();
            assert!(!search.findings(&leak).is_empty(), "{what} is not found");
        }
    }

    #[test]
    fn a_certificate_alone_is_no_finding() {
        for _ in 0..20 {
            let (canary, certificate, der, _) = key();
            let search = Search::new([&canary], "marker-1");
            let public = &der[der.len() - 65..];
            for shown in [certificate.clone(), BASE64_STANDARD.encode(&certificate), hex::encode(public)] {
                assert_eq!(search.findings(shown.as_bytes()), []);
            }
            // The last line of the key's PEM holds nothing but the public key.
            let last = canary.reveal().lines().rev().nth(1).unwrap();
            assert_eq!(search.findings(last.as_bytes()), []);
        }
    }

    #[test]
    fn a_key_of_another_kind_is_searched_for_as_a_whole() {
        let der: Vec<u8> = (0..200).collect();
        let pem = format!("-----BEGIN KEY-----\n{}\n-----END KEY-----\n", BASE64_STANDARD.encode(&der));
        let search = Search::new([&Canary::private_key("tls_key", &pem)], "marker-1");
        assert!(!search.findings(pem.as_bytes()).is_empty());
        assert!(!search.findings(hex::encode(&der).as_bytes()).is_empty());
        assert_eq!(search.findings(&der[..100]), []);
    }

    #[test]
    fn a_secret_that_is_no_text_is_redacted_without_a_panic() {
        let secret =
            Canary { name: "key".into(), value: String::new(), telling: vec![vec![0xa4, 0x62, 0xc3]] };
        let search = Search::new([&secret], "marker-1");
        // Its first byte is the second of `ä`, its last the first of `ü`.
        assert_eq!(search.redact("aäbüc"), "a[secret key]c");
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
