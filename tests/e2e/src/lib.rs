//! What the test programs of this package share: the repository, its images, its definition.

use std::path::{Path, PathBuf};

use harness::{definition::Definition, images::Images};
use stack::Stack;

/// The repository that this package is part of.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Where `nix build .#images` left the container images.
pub fn images_folder() -> PathBuf {
    repository().join("result")
}

/// The repository's definition, with container images put in where they are built.
pub fn stack() -> Result<Stack, String> {
    let files = vec![repository().join("compose/compose.yaml")];
    // Without images the list of checks can still be told; a run refuses to begin.
    let variables = Images::open(&images_folder()).map(|images| images.variables()).unwrap_or_default();
    let definition = Definition { files, profiles: Vec::new() };
    definition.read_for_gate(&variables).map_err(|error| error.excerpts())
}
