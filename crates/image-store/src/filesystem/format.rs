//! How an image lies in its file: a fixed header that tells what must follow, then the content as it came.

use sha2::{Digest, Sha256};

/// Tells our files from others, and this layout from later ones.
const MAGIC: [u8; 8] = *b"SHKDIMG1";

/// What the first bytes of a file promise about the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Length of the content in bytes.
    pub(super) size_bytes: u64,
    digest: [u8; 32],
}

impl Header {
    /// Length of a header: magic, content length (little endian), SHA-256 of the content.
    pub(super) const BYTES: usize = 8 + 8 + 32;

    pub(super) fn of(content: &[u8]) -> Self {
        Self { size_bytes: content.len() as u64, digest: Sha256::digest(content).into() }
    }

    pub(super) fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.size_bytes.to_le_bytes());
        bytes[16..].copy_from_slice(&self.digest);
        bytes
    }

    pub(super) fn parse(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (size, digest) = rest.split_first_chunk::<8>()?;
        (*magic == MAGIC).then_some(())?;
        Some(Self { size_bytes: u64::from_le_bytes(*size), digest: digest.try_into().ok()? })
    }

    /// Something to feed the content to while it is read.
    pub(super) fn verifier(&self) -> Verifier {
        Verifier { seen: Sha256::new(), promised: self.digest }
    }
}

/// Compares content, chunk by chunk, with what a header promised.
pub(super) struct Verifier {
    seen: Sha256,
    promised: [u8; 32],
}

impl Verifier {
    pub(super) fn update(&mut self, chunk: &[u8]) {
        self.seen.update(chunk);
    }

    /// Whether everything seen so far is the whole content, unaltered.
    pub(super) fn holds(&self) -> bool {
        <[u8; 32]>::from(self.seen.clone().finalize()) == self.promised
    }
}
