//! Which backend holds the images: the setting `IMAGE_STORE`, read by api and worker alike.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use crate::filesystem::Filesystem;
use crate::{Encrypted, ImageStore, Keys};

/// The backends a service can be told to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A folder that api and worker share (`IMAGE_STORE=filesystem`).
    Filesystem,
}

/// The value of `IMAGE_STORE` names no backend of this version. The text says what was expected instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownBackend {
    /// S3 is planned; nothing of it is here yet.
    #[error("`filesystem` (`s3` is not supported by this version)")]
    NotYet,
    /// Anything else.
    #[error("`filesystem`")]
    Unknown,
}

impl FromStr for Backend {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "filesystem" => Ok(Self::Filesystem),
            "s3" => Err(UnknownBackend::NotYet),
            _ => Err(UnknownBackend::Unknown),
        }
    }
}

impl Backend {
    /// The store itself, encrypted. Nothing is tried yet: a service starts while its store is away, and `check` tells.
    ///
    /// `folder` is the value of `IMAGE_STORE_PATH`, `keys` come from `IMAGE_ENCRYPTION_KEY`.
    pub fn open(self, folder: impl Into<PathBuf>, keys: Keys) -> Arc<dyn ImageStore> {
        match self {
            Self::Filesystem => Arc::new(Encrypted::over(Filesystem::new(folder), keys)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_is_refused_by_name_until_it_is_there() {
        let refused = "s3".parse::<Backend>().unwrap_err();
        assert_eq!(refused.to_string(), "`filesystem` (`s3` is not supported by this version)");
    }

    #[test]
    fn unknown_backend_is_refused_with_what_was_expected() {
        assert_eq!("tape".parse::<Backend>().unwrap_err().to_string(), "`filesystem`");
    }
}
