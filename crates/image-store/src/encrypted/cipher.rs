//! One object's cipher: STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, 2015) over ChaCha20-Poly1305.
//!
//! The nonce of a chunk is its index and whether it is the last, and with each chunk the header and the image's id are
//! authenticated. So a chunk opens in its own place of its own object under its own id, and nowhere else.

use aead_stream::{NewStream, StreamBE32, StreamPrimitive};
use chacha20poly1305::ChaCha20Poly1305;
use uuid::Uuid;

use super::layout::Header;
use crate::keys::Key;

/// Keeps objects' keys apart from whatever else is derived from the secret.
const PURPOSE: &[u8] = b"shakedown image object 1";

/// Seals and opens the chunks of one object.
pub(super) struct Cipher {
    stream: StreamBE32<ChaCha20Poly1305>,
    /// Header and id: authenticated with every chunk.
    bound: Vec<u8>,
}

/// A chunk is not what was sealed in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

impl Cipher {
    pub(super) fn new(key: &Key, header: &Header, id: Uuid) -> Self {
        let derived: [u8; 32] = key.derive(&header.salt, &[PURPOSE, id.as_bytes()]);
        // No other object has this key, so the part of the nonce that is not the chunk's may be the same for all.
        let stream = StreamBE32::new(&derived.into(), &[0; 7].into());
        Self { stream, bound: [header.to_bytes().as_slice(), id.as_bytes()].concat() }
    }

    /// Encrypts a chunk in its place, and adds its tag. Refused is an index beyond 2^32, which is 256 TiB.
    pub(super) fn seal(&self, index: u64, is_last: bool, chunk: &mut Vec<u8>) -> Result<(), Refused> {
        let index = u32::try_from(index).map_err(|_| Refused)?;
        self.stream.encrypt_in_place(index, is_last, &self.bound, chunk).map_err(|_| Refused)
    }

    /// Decrypts a chunk in its place, and takes its tag off. When it is refused, nothing of it is decrypted.
    pub(super) fn open(&self, index: u64, is_last: bool, chunk: &mut Vec<u8>) -> Result<(), Refused> {
        let index = u32::try_from(index).map_err(|_| Refused)?;
        self.stream.decrypt_in_place(index, is_last, &self.bound, chunk).map_err(|_| Refused)
    }
}
