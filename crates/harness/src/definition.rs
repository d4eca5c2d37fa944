//! Reading the definition with the container images' content tags put in.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use stack::{ReadError, Stack};

/// Which files make the definition.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The base file first, then overlays in order.
    pub files: Vec<PathBuf>,
    /// Profiles to enable.
    pub profiles: Vec<String>,
}

impl Definition {
    /// Reads it. A person's own environment comes first, then `defaults` (see [`crate::images::Images::variables`]).
    pub fn read(&self, defaults: &BTreeMap<String, String>) -> Result<Stack, ReadError> {
        self.read_with(&BTreeMap::new(), defaults)
    }

    /// Reads it for a gate: what `x-shakedown: gate_environment` says comes even before a person's own environment,
    /// because the checks count on it.
    pub fn read_for_gate(&self, defaults: &BTreeMap<String, String>) -> Result<Stack, ReadError> {
        let stack = self.read(defaults)?;
        self.read_with(&stack.options.gate_environment, defaults)
    }

    /// Reads it with `first` before everything else: a person's own environment included.
    pub fn read_with(
        &self,
        first: &BTreeMap<String, String>,
        defaults: &BTreeMap<String, String>,
    ) -> Result<Stack, ReadError> {
        let environment = |name: &str| {
            first
                .get(name)
                .cloned()
                .or_else(|| std::env::var(name).ok())
                .or_else(|| defaults.get(name).cloned())
        };
        stack::read(&self.files, &environment, &self.profiles)
    }
}

/// The repository around a folder: the nearest one upwards that has both a flake and a definition.
pub fn repository(from: &Path) -> Option<PathBuf> {
    let has =
        |folder: &&Path| folder.join("flake.nix").is_file() && folder.join("compose/compose.yaml").is_file();
    from.ancestors().find(has).map(Path::to_path_buf)
}
