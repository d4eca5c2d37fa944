//! Container images as `nix build .#images` leaves them: the manifest, whether it is still true, and loading.

mod archive;
mod bill;
pub mod compare;
mod program;
mod stale;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use bollard::{
    Docker,
    query_parameters::{ImportImageOptionsBuilder, TagImageOptionsBuilder},
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio_util::codec::{BytesCodec, FramedRead};

pub(crate) use program::is_only_to_build;

/// Says what to do about images that are missing or stale.
const REBUILD: &str = "run `make images` (or `nix build .#images`)";

/// `manifest.json` beside the archives.
#[derive(Clone, Debug, Deserialize)]
pub struct Manifest {
    /// Version of this format; 1.
    pub format: u32,
    /// Where the packages came from.
    pub package_source: PackageSource,
    /// The files that can change an image, with their hashes when it was built.
    pub sources: Sources,
    /// The images.
    pub images: Vec<ContainerImage>,
}

/// Where the packages in the images came from.
#[derive(Clone, Debug, Deserialize, Serialize, Default)]
pub struct PackageSource {
    /// `debian` or `nixpkgs`.
    pub name: String,
    /// Package versions by name.
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
}

/// The files that can change an image.
#[derive(Clone, Debug, Deserialize)]
pub struct Sources {
    /// Folders and files, relative to the repository.
    pub roots: Vec<String>,
    /// File to SHA-256 in hexadecimal, relative to the repository.
    pub files: BTreeMap<String, String>,
}

/// One container image, as the manifest describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct ContainerImage {
    /// The short name, such as `api`.
    pub name: String,
    /// The repository, such as `shakedown/api`.
    pub reference: String,
    /// The content tag.
    pub tag: String,
    /// The archive beside the manifest.
    pub archive: String,
    /// Digest of the configuration.
    pub config_digest: String,
    /// Digests of the uncompressed layers.
    pub layers: Vec<String>,
    /// Sum of the uncompressed layers in bytes.
    pub size_bytes: u64,
    /// Such as `amd64`.
    pub architecture: String,
    /// What is in the image beside the Nix store, unpacked: a folder in the store.
    pub root: PathBuf,
    /// What is started.
    pub entrypoint: Vec<String>,
    /// What it is told, unless the definition says otherwise.
    pub cmd: Vec<String>,
    /// `NAME=VALUE`, each of which the definition may override.
    pub env: Vec<String>,
    /// Such as `8443/tcp`.
    pub exposed_ports: Vec<String>,
    /// Such as `SIGINT`; `SIGTERM` where there is none.
    pub stop_signal: Option<String>,
}

impl ContainerImage {
    /// What a Compose file puts after `image:`.
    pub fn full_reference(&self) -> String {
        format!("{}:{}", self.reference, self.tag)
    }
}

/// Why the images cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImagesError {
    /// No manifest there.
    #[error("no container images at {}: {found}; {REBUILD}", .folder.display())]
    Missing {
        /// Where they were looked for.
        folder: PathBuf,
        /// What was found.
        found: String,
    },
    /// The manifest is there and cannot be read.
    #[error("{} is not a manifest of container images: {found}; {REBUILD}", .file.display())]
    Unreadable {
        /// The manifest.
        file: PathBuf,
        /// What was wrong.
        found: String,
    },
    /// The sources have changed since.
    #[error("the container images at {} are stale: {changed}; {REBUILD}", .folder.display())]
    Stale {
        /// Where they are.
        folder: PathBuf,
        /// Which files differ.
        changed: String,
    },
    /// An archive is missing or cannot be loaded.
    #[error("container image {image} could not be loaded from {}: {found}; {REBUILD}", .archive.display())]
    Load {
        /// The image.
        image: String,
        /// Its archive.
        archive: PathBuf,
        /// What the engine said.
        found: String,
    },
}

/// A folder of images and their manifest, found to be whole and up to date.
#[derive(Clone, Debug)]
pub struct Images {
    folder: PathBuf,
    /// What the manifest says.
    pub manifest: Manifest,
}

impl Images {
    /// Reads the manifest in `folder`.
    pub fn open(folder: &Path) -> Result<Self, ImagesError> {
        let file = folder.join("manifest.json");
        let text = fs::read(&file).map_err(|error| ImagesError::Missing {
            folder: folder.into(),
            found: if error.kind() == io::ErrorKind::NotFound {
                "there is no manifest.json".into()
            } else {
                error.to_string()
            },
        })?;
        let unreadable = |found| ImagesError::Unreadable { file: file.clone(), found };
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if manifest.format != 1 {
            return Err(unreadable(format!("format {} where 1 was expected", manifest.format)));
        }
        let missing = manifest.images.iter().find(|image| !folder.join(&image.archive).is_file());
        if let Some(image) = missing {
            return Err(ImagesError::Missing {
                folder: folder.into(),
                found: format!("the archive {} of {} is not there", image.archive, image.name),
            });
        }
        Ok(Self { folder: folder.into(), manifest })
    }

    /// Refuses images that are older than the sources below `repository`.
    pub fn refuse_stale(&self, repository: &Path) -> Result<(), ImagesError> {
        let changed = stale::changed_files(&self.manifest.sources, repository);
        let [first, rest @ ..] = changed.as_slice() else {
            return Ok(());
        };
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        Err(ImagesError::Stale { folder: self.folder.clone(), changed: format!("{first}{more}") })
    }

    /// The image with this short name.
    pub fn get(&self, name: &str) -> Option<&ContainerImage> {
        self.manifest.images.iter().find(|image| image.name == name)
    }

    /// The image that a Compose file's `image:` names, where it is one of ours.
    pub fn by_reference(&self, reference: &str) -> Option<&ContainerImage> {
        self.manifest.images.iter().find(|image| image.full_reference() == reference)
    }

    /// The variables that put the content tags into the definition: `API_IMAGE` for `api`, and so on.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let variable = |name: &str| format!("{}_IMAGE", name.to_uppercase().replace('-', "_"));
        self.manifest.images.iter().map(|image| (variable(&image.name), image.full_reference())).collect()
    }

    /// Loads what the engine does not have yet. Returns the names of the images it had to load.
    pub async fn load(&self, docker: &Docker) -> Result<Vec<String>, ImagesError> {
        let mut loaded = Vec::new();
        for image in &self.manifest.images {
            if !is_loaded(docker, image).await {
                self.load_one(docker, image).await?;
                loaded.push(image.name.clone());
            }
        }
        Ok(loaded)
    }

    /// Gives every loaded image a second tag.
    pub async fn tag(&self, docker: &Docker, tag: &str) -> Result<(), ImagesError> {
        for image in &self.manifest.images {
            let options = TagImageOptionsBuilder::new().repo(&image.reference).tag(tag).build();
            let tagged = docker.tag_image(&image.full_reference(), Some(options)).await;
            tagged.map_err(|error| ImagesError::Load {
                image: image.full_reference(),
                archive: self.folder.join(&image.archive),
                found: error.to_string(),
            })?;
        }
        Ok(())
    }

    async fn load_one(&self, docker: &Docker, image: &ContainerImage) -> Result<(), ImagesError> {
        let archive = self.folder.join(&image.archive);
        let failed = |found: String| ImagesError::Load {
            image: image.full_reference(),
            archive: archive.clone(),
            found,
        };
        let file = tokio::fs::File::open(&archive).await.map_err(|error| failed(error.to_string()))?;
        let chunks = FramedRead::with_capacity(file, BytesCodec::new(), 1 << 20)
            .map(|chunk| chunk.map(bytes::BytesMut::freeze));
        let options = ImportImageOptionsBuilder::new().quiet(true).build();
        let mut answers = Box::pin(docker.import_image_stream(options, chunks, None));
        while let Some(answer) = answers.next().await {
            let info = answer.map_err(|error| failed(error.to_string()))?;
            if let Some(error) = info.error_detail {
                return Err(failed(error.message.unwrap_or_else(|| "no reason given".into())));
            }
        }
        if is_loaded(docker, image).await {
            Ok(())
        } else {
            Err(failed("the engine took the archive, and has other layers under that name".into()))
        }
    }
}

/// Whether the engine has this very image under its content tag. Layers are compared, because what an engine calls
/// an image's id depends on its image store.
async fn is_loaded(docker: &Docker, image: &ContainerImage) -> bool {
    let Ok(found) = docker.inspect_image(&image.full_reference()).await else {
        return false;
    };
    found.root_fs.and_then(|root| root.layers).is_some_and(|layers| layers == image.layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_manifest_says_what_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let error = Images::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("there is no manifest.json") && error.contains("make images"), "{error}");
    }

    #[test]
    fn a_manifest_that_is_cut_short_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("manifest.json"), "{\"format\": 1,").unwrap();
        let error = Images::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("manifest.json is not a manifest"), "{error}");
    }
}
