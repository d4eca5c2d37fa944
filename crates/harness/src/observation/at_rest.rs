//! What the volume of the outputs held.

/// Every file of the volume, held against the bytes that an output's link delivered.
#[derive(Clone, Debug, Default)]
pub struct AtRest {
    /// How many bytes the link delivered.
    pub delivered_bytes: usize,
    /// Length of a living output's object, where a file is known to hold it: by its id, or by how it begins.
    pub object_bytes: Option<usize>,
    /// Files of the volume that were read whole.
    pub files: usize,
    /// What could be read of a picture, each with its file.
    pub readable: Vec<String>,
}
