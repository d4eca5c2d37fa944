//! Which backend holds the images, and in which form.

use std::path::PathBuf;
use std::sync::Arc;

use crate::filesystem::Filesystem;
use crate::s3::S3;
use crate::{Encrypted, ImageStore, Keys, S3Config};

/// A place for images.
#[derive(Debug, Clone)]
pub enum Backend {
    /// A folder that api and worker share.
    Filesystem(PathBuf),
    /// A bucket of an S3 store.
    S3(Box<S3Config>),
}

impl Backend {
    /// The store itself, encrypted with `keys`. Nothing is tried yet: a service starts while its store is away, and
    /// `check` tells.
    pub fn open(&self, keys: Keys) -> Arc<dyn ImageStore> {
        match self {
            Self::Filesystem(folder) => Arc::new(Encrypted::over(Filesystem::new(folder), keys)),
            Self::S3(bucket) => Arc::new(Encrypted::over(S3::new(bucket), keys)),
        }
    }
}

impl S3Config {
    /// The store in this bucket, which keeps images as they come: readable by whoever can read the bucket, and by those
    /// whom a [`crate::DirectLinks`] leads there.
    pub fn open_unencrypted(&self) -> Arc<dyn ImageStore> {
        Arc::new(S3::new(self))
    }
}
