//! The keys that links are signed with: one a line of a mounted secret, the first to sign with, all to verify with.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use image_store::{KeyLines, KeysError};
use sha2::Sha256;

/// All signing keys, ready to compute with.
#[derive(Clone)]
pub(crate) struct SigningKeys {
    first: Hmac<Sha256>,
    others: Vec<Hmac<Sha256>>,
}

impl SigningKeys {
    /// Reads the text of the secret.
    pub(crate) fn parse(text: &str) -> Result<Self, KeysError> {
        let lines = KeyLines::parse(text)?;
        Ok(Self { first: prepared(lines.first), others: lines.others.into_iter().map(prepared).collect() })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.all().count()
    }

    /// The signature of a message, by the first key.
    pub(super) fn sign(&self, message: &[&[u8]]) -> impl AsRef<[u8]> + use<> {
        over(&self.first, message).finalize().into_bytes()
    }

    /// Whether one of the keys made this signature. Every key is asked, and each takes the same time wherever the first
    /// difference is: how long it takes tells nothing of the signature, nor which key it was.
    pub(super) fn verify(&self, message: &[&[u8]], signature: &[u8]) -> bool {
        self.all().fold(false, |genuine, key| genuine | over(key, message).verify_slice(signature).is_ok())
    }

    fn all(&self) -> impl Iterator<Item = &Hmac<Sha256>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

fn prepared(key: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(key.as_bytes()).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

fn over(key: &Hmac<Sha256>, message: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    for part in message {
        mac.update(part);
    }
    mac
}

/// Nothing of the keys but how many there are.
impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKeys({})", self.count())
    }
}
