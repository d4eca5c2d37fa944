//! The keys that images are encrypted with: one a line of a mounted secret, the first to write with, all to read with.
//!
//! A key is named by what is derived from it, so nobody numbers keys, and another key never goes by the name of the
//! right one.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;

/// A shorter key could be guessed.
pub const KEY_MIN_BYTES: usize = 32;

/// Keeps a key's name apart from whatever else is derived from it.
const NAMING: &[u8] = b"shakedown image key name 1";

/// A key's name: 64 bits derived from it, which tell nothing of it. Shown as hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; Self::BYTES]);

impl KeyId {
    pub(crate) const BYTES: usize = 8;
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// One key, ready to derive from.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: KeyId,
    secret: Box<[u8]>,
}

impl Key {
    fn new(secret: &[u8]) -> Self {
        let mut key = Self { id: KeyId([0; KeyId::BYTES]), secret: secret.into() };
        key.id = KeyId(key.derive(&[], &[NAMING]));
        key
    }

    /// HKDF with SHA-256 (RFC 5869): bytes for one purpose, which tell nothing of the key or of other purposes.
    pub(crate) fn derive<const BYTES: usize>(&self, salt: &[u8], purpose: &[&[u8]]) -> [u8; BYTES] {
        let mut derived = [0; BYTES];
        Hkdf::<Sha256>::new(Some(salt), &self.secret)
            .expand_multi_info(purpose, &mut derived)
            .unwrap_or_else(|_| unreachable!("HKDF gives up to 8160 bytes"));
        derived
    }
}

/// The lines of a secret that holds keys for rotation: the first is in use, the others are still or already believed. It
/// has no `Debug`: nothing shows them by accident.
pub struct KeyLines<'a> {
    /// What new things are made with.
    pub first: &'a str,
    /// What is accepted besides.
    pub others: Vec<&'a str>,
}

impl<'a> KeyLines<'a> {
    /// Reads the text of the secret. Lines with nothing on them do not count, nor does space around a key.
    pub fn parse(text: &'a str) -> Result<Self, KeysError> {
        let mut keys: Vec<&str> = Vec::new();
        for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
            if line.is_empty() {
                continue;
            }
            if line.len() < KEY_MIN_BYTES {
                return Err(KeysError::Short { line: number });
            }
            if keys.contains(&line) {
                return Err(KeysError::Twice { line: number });
            }
            keys.push(line);
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or(KeysError::None)?;
        Ok(Self { first, others: keys.collect() })
    }
}

/// All keys of a store.
#[derive(Clone)]
pub struct Keys {
    first: Key,
    others: Vec<Key>,
}

/// The text of a secret holds no usable keys. What is told of a line is its number, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// There is no line with anything on it.
    #[error("at least one key; there is none")]
    None,
    /// Too easy to guess.
    #[error("one key of at least {KEY_MIN_BYTES} bytes a line; line {line} is shorter")]
    Short {
        /// Which line.
        line: usize,
    },
    /// Somebody meant to add a key and did not.
    #[error("a different key on each line; line {line} repeats one")]
    Twice {
        /// Which line.
        line: usize,
    },
}

impl Keys {
    /// Reads the text of the secret.
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let lines = KeyLines::parse(text)?;
        let key = |line: &str| Key::new(line.as_bytes());
        Ok(Self { first: key(lines.first), others: lines.others.into_iter().map(key).collect() })
    }

    /// The names of all keys, the one that writes first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.all().map(|key| key.id)
    }

    /// The key to write with.
    pub(crate) fn first(&self) -> &Key {
        &self.first
    }

    pub(crate) fn find(&self, id: KeyId) -> Option<&Key> {
        self.all().find(|key| key.id == id)
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// The names, the one that writes first, with commas between.
impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.ids().map(|id| id.to_string()).collect();
        f.write_str(&names.join(", "))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({self})")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const OLD: &str = "an old key that nobody would ever guess";
    const NEW: &str = "a new key that nobody would ever guess!";

    #[test]
    fn first_line_writes_and_all_read() {
        let keys = Keys::parse(&format!("{NEW}\n\n  {OLD} \r\n")).unwrap();
        let (old, new) = (Keys::parse(OLD).unwrap().first().id, Keys::parse(NEW).unwrap().first().id);
        assert_eq!(keys.first().id, new);
        assert_eq!(keys.ids().collect::<Vec<_>>(), [new, old]);
        assert!(keys.find(old).is_some());
    }

    #[rstest]
    #[case::nothing("", KeysError::None)]
    #[case::only_space(" \n\n", KeysError::None)]
    #[case::short("too short a key to be one\n", KeysError::Short { line: 1 })]
    #[case::second_short("an old key that nobody would ever guess\n\nhunter2", KeysError::Short { line: 3 })]
    #[case::twice(
        "an old key that nobody would ever guess\nan old key that nobody would ever guess",
        KeysError::Twice { line: 2 }
    )]
    fn unusable_keys_are_refused_by_their_line_and_never_shown(
        #[case] text: &str,
        #[case] expected: KeysError,
    ) {
        let refused = Keys::parse(text).unwrap_err();
        assert_eq!(refused, expected);
        assert!(!refused.to_string().contains("hunter2"));
    }

    #[test]
    fn debug_and_display_show_names_and_nothing_of_the_keys() {
        let keys = Keys::parse(&format!("{NEW}\n{OLD}")).unwrap();
        let shown = format!("{keys} {keys:?}");
        assert!(shown.contains(&keys.first().id.to_string()), "{shown}");
        assert!(!shown.contains("guess") && !shown.contains(&hex::encode("guess")), "{shown}");
    }

    #[test]
    fn name_of_a_key_stays_what_it_is() {
        // Objects carry it: another name would make every stored image unreadable.
        assert_eq!(Keys::parse(OLD).unwrap().first().id.to_string(), "8cf4ad811eb821de");
    }
}
