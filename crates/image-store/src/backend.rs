//! Which backend holds the images, and in which form.

use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

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

/// The id that an object is named by; none where anything else put it there. An id has one spelling as a name: what is
/// spelled otherwise was put by somebody else, and could not be found again by its id.
pub(crate) fn id_of(name: &str) -> Option<Uuid> {
    Uuid::try_parse(name).ok().filter(|id| id.to_string() == name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::id_of;

    #[rstest]
    #[case::as_it_is_put("0190abcd-ef00-7000-8000-00000000000a", true)]
    #[case::capitals("0190ABCD-EF00-7000-8000-00000000000A", false)]
    #[case::without_dashes("0190abcdef0070008000000000000000", false)]
    #[case::in_braces("{0190abcd-ef00-7000-8000-00000000000a}", false)]
    #[case::as_urn("urn:uuid:0190abcd-ef00-7000-8000-00000000000a", false)]
    #[case::probe("probe/0190abcd-ef00-7000-8000-00000000000a", false)]
    #[case::something_else("a note.txt", false)]
    fn name_is_an_image_only_in_the_spelling_that_images_are_put_by(
        #[case] name: &str,
        #[case] is_one: bool,
    ) {
        assert_eq!(id_of(name).is_some(), is_one);
    }
}
