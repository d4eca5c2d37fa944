//! What the volume of the outputs held while one of them lived.

/// Every file of the volume, held against the bytes that a living output's link delivered.
#[derive(Clone, Debug, Default)]
pub struct AtRest {
    /// How many bytes the link delivered.
    pub delivered_bytes: usize,
    /// Length of the file that carries the output's id. None: there is no such file.
    pub object_bytes: Option<usize>,
    /// Files of the volume that were read whole.
    pub files: usize,
    /// What could be read of a picture, each with its file.
    pub readable: Vec<String>,
}
