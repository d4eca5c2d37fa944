//! How an encrypted image lies in its object: a header, then chunks of [`CHUNK_BYTES`], each with its tag; the last one
//! may be shorter, and an empty image has one empty chunk.

use crate::keys::KeyId;

/// Tells our objects from others, and this layout from later ones.
const MAGIC: [u8; 8] = *b"SHKDENC1";

/// Content in a chunk, and so in memory at once. Its tag costs 1/4096 of that, and a range reads at most so much more
/// than it asks for at either end.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;
/// What Poly1305 adds to a chunk (RFC 8439).
const TAG_BYTES: usize = 16;
/// A whole chunk with its tag.
pub(super) const SEALED_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// What the first bytes of an object say. All of it is authenticated with every chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// The key that this object's own key is derived from.
    pub(super) key: KeyId,
    /// Random, so that no two objects have the same key, even under one id.
    pub(super) salt: [u8; Self::SALT_BYTES],
    /// Length of the content in bytes.
    pub(super) size_bytes: u64,
}

impl Header {
    const SALT_BYTES: usize = 32;
    /// Length of a header: magic, name of the key, salt, length of the content (little endian).
    pub(super) const BYTES: usize = 8 + KeyId::BYTES + Self::SALT_BYTES + 8;

    /// A header with a salt that no other has.
    pub(super) fn fresh(key: KeyId, size_bytes: u64) -> Self {
        Self { key, salt: rand::random(), size_bytes }
    }

    pub(super) fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.key.0);
        bytes[16..48].copy_from_slice(&self.salt);
        bytes[48..].copy_from_slice(&self.size_bytes.to_le_bytes());
        bytes
    }

    /// None where these are not the first bytes of one of our objects.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (salt, size) = rest.split_first_chunk()?;
        (*magic == MAGIC).then_some(())?;
        Some(Self {
            key: KeyId(*key),
            salt: *salt,
            size_bytes: u64::from_le_bytes(size.first_chunk().copied()?),
        })
    }
}

/// Index of the last chunk of a content.
pub(super) fn last_chunk(size_bytes: u64) -> u64 {
    size_bytes.saturating_sub(1) / CHUNK_BYTES as u64
}

/// Length of the object that holds a content.
pub(super) fn object_bytes(size_bytes: u64) -> u64 {
    let tags = (last_chunk(size_bytes) + 1).saturating_mul(TAG_BYTES as u64);
    size_bytes.saturating_add(tags).saturating_add(Header::BYTES as u64)
}

/// Length of the content of an object. Of one that is too short to be one of ours, 0: `get` says what is wrong with it,
/// while lists and deletion still work.
pub(super) fn content_bytes(object_bytes: u64) -> u64 {
    let body = object_bytes.saturating_sub(Header::BYTES as u64);
    let chunks = body.div_ceil(SEALED_BYTES as u64).max(1);
    body.saturating_sub(chunks * TAG_BYTES as u64)
}

/// Where a chunk begins in its object.
pub(super) fn chunk_at(index: u64) -> u64 {
    index.saturating_mul(SEALED_BYTES as u64).saturating_add(Header::BYTES as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn length_of_the_content_follows_from_the_length_of_the_object(size_bytes in 0..u64::from(u32::MAX) * 16) {
            prop_assert_eq!(content_bytes(object_bytes(size_bytes)), size_bytes);
            let last = last_chunk(size_bytes);
            prop_assert!(chunk_at(last) < object_bytes(size_bytes));
            prop_assert!(chunk_at(last + 1) >= object_bytes(size_bytes));
        }

        #[test]
        fn header_comes_back_as_it_was_written(key: [u8; 8], salt: [u8; 32], size_bytes: u64) {
            let header = Header { key: KeyId(key), salt, size_bytes };
            prop_assert_eq!(Header::parse(&header.to_bytes()), Some(header));
        }

        #[test]
        fn any_length_and_any_bytes_are_taken_without_a_panic(length: u64, bytes: Vec<u8>) {
            object_bytes(length);
            prop_assert!(content_bytes(length) <= length);
            prop_assert_eq!(Header::parse(&bytes), None);
        }
    }
}
