//! The objects of the image store: what it keeps of outputs, by whatever keeps them.

mod folder;

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
    folder::list(running).await.map_err(|why| format!("looking for objects: {why}"))
}
