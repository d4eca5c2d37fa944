//! What can go wrong in a store, said so that a person knows what to do.

use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::{KeyId, S3Error};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder is not there, or is no folder.
    #[error("image folder {} does not exist or is no folder; mount the volume there or set IMAGE_STORE_PATH", folder.display())]
    FolderMissing {
        /// The configured folder.
        folder: PathBuf,
    },
    /// The folder is there, but this process may not do this in it.
    #[error("image folder {} refuses to {operation}; it must be writable by this user or its group", folder.display())]
    Refused {
        /// The configured folder.
        folder: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// No room left.
    #[error("image folder {} is full: could not {operation}", folder.display())]
    Full {
        /// The configured folder.
        folder: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// Whatever went wrong between us and an S3 store.
    #[error(transparent)]
    S3(#[from] S3Error),
    /// Anything else the system answered.
    #[error("could not {operation} in image folder {}", folder.display())]
    Io {
        /// The configured folder.
        folder: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// What is stored is not what was put.
    #[error("image {id}{} is damaged: {found}; nothing was removed: put back its object from a copy, or delete the image", sealed_with(*key))]
    Damaged {
        /// Which image.
        id: Uuid,
        /// The key that its object names, where it names one.
        key: Option<KeyId>,
        /// What was seen.
        found: &'static str,
    },
    /// The key that an object names is not among the keys at hand.
    #[error(
        "image {id} was encrypted with key {key}, which IMAGE_ENCRYPTION_KEY does not hold (it holds {held}); nothing was removed: add the lost key as a further line, and the image can be read again"
    )]
    KeyLost {
        /// Which image.
        id: Uuid,
        /// The key that its object names.
        key: KeyId,
        /// The names of the keys at hand.
        held: String,
    },
    /// What was to be put was not as long as it was said to be. Nothing was put.
    #[error("image {id} was to have {promised} bytes, and {came} came; it was not put")]
    Miscounted {
        /// Which image.
        id: Uuid,
        /// Bytes, as was said.
        promised: u64,
        /// Bytes that came until this was found.
        came: u64,
    },
    /// The probe object did not come back as it was written.
    #[error("image store returned other bytes than were just written to it")]
    ProbeDiffers,
    /// Made by tests only: the memory backend was told to be away.
    #[error("image store is away")]
    Away,
}

fn sealed_with(key: Option<KeyId>) -> String {
    key.map(|key| format!(" (encrypted with key {key})")).unwrap_or_default()
}

impl StoreError {
    /// Whether there is no room left for what was to be put.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::S3(error) => error.is_full(),
            _ => false,
        }
    }

    /// Tells apart the answers of the system that ask for different remedies.
    pub(crate) fn from_io(folder: &Path, operation: &'static str, source: io::Error) -> Self {
        let folder = folder.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::FolderMissing { folder },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Refused { folder, operation, source }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { folder, operation, source }
            }
            _ => Self::Io { folder, operation, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::missing(io::ErrorKind::NotFound, "does not exist or is no folder; mount the volume")]
    #[case::not_a_folder(io::ErrorKind::NotADirectory, "does not exist or is no folder")]
    #[case::denied(io::ErrorKind::PermissionDenied, "refuses to write an image; it must be writable")]
    #[case::read_only(io::ErrorKind::ReadOnlyFilesystem, "refuses to write an image")]
    #[case::full(io::ErrorKind::StorageFull, "is full: could not write an image")]
    #[case::other(io::ErrorKind::TimedOut, "could not write an image in image folder")]
    fn answer_of_the_system_becomes_a_message_that_names_folder_and_remedy(
        #[case] kind: io::ErrorKind,
        #[case] expected: &str,
    ) {
        let said = StoreError::from_io(Path::new("/srv/images"), "write an image", kind.into()).to_string();
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("/srv/images"), "{said}");
    }
}
