//! The objects of the image store: what it keeps of outputs, by whatever keeps them.

mod folder;
mod s3;

use crate::running::RunningStack;

/// What the store keeps under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its name in the store; that of an output's object has the image's id in it.
    pub name: String,
    /// The SHA-256 of its bytes, as hexadecimal digits.
    pub sha256: String,
    /// How many bytes it has.
    pub size_bytes: u64,
}

impl Object {
    /// Whether it is kept for this image.
    pub fn is_of(&self, image: &str) -> bool {
        self.name.contains(image)
    }
}

/// All objects that there are now, each read whole.
pub async fn list(running: &RunningStack) -> Result<Vec<Object>, String> {
    let listed = if s3::is_used(running) { s3::list(running).await } else { folder::list(running).await };
    listed.map_err(|why| format!("looking for objects: {why}"))
}

/// The bytes of an image's object, where something stands between us and the disks that they lie on; the files of a
/// folder are read with all others there.
pub(super) async fn read_through(running: &RunningStack, image: &str) -> Result<Option<Vec<u8>>, String> {
    if !s3::is_used(running) {
        return Ok(None);
    }
    s3::read(running, image).await.map_err(|why| format!("reading the object: {why}"))
}

/// Removes what is kept for an image, as somebody would who has the store and nothing else.
pub async fn remove(running: &RunningStack, image: &str) -> Result<(), String> {
    let removed = if s3::is_used(running) {
        s3::remove(running, image).await
    } else {
        folder::remove(running, image).await
    };
    removed.map_err(|why| format!("removing the object of image {image}: {why}"))
}
