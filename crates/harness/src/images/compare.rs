//! Two builds of the same images held against each other, down to the first file that differs.

mod layer;

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{ContainerImage, Images, ImagesError};

/// What became of one image in two builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The image's short name.
    pub image: String,
    /// Its archive's SHA-256 where both builds have the same bytes, or the first difference.
    pub outcome: Result<String, Difference>,
}

/// The first difference between two archives of an image, at the deepest place that could be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// One build has no such image.
    Absent {
        /// The build without it.
        folder: PathBuf,
    },
    /// A file in a layer.
    File {
        /// Which layer, counted from 1.
        layer: usize,
        /// Of how many.
        layers: usize,
        /// The file's path in the layer.
        path: String,
        /// What about it differs, and both values.
        what: String,
    },
    /// One archive has more layers than the other.
    Layers {
        /// How many each has.
        counts: (usize, usize),
    },
    /// The configuration: the first field that differs.
    Configuration {
        /// The field, as a JSON pointer.
        field: String,
    },
    /// Layers and configuration are the same, and the archive around them is not.
    Archive,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { folder } => write!(f, "{} has no such image", folder.display()),
            Self::File { layer, layers, path, what } => {
                write!(f, "layer {layer} of {layers}, {path}: {what}")
            }
            Self::Layers { counts: (one, other) } => write!(f, "{one} layers, and {other}"),
            Self::Configuration { field } => write!(f, "the configuration differs at {field}"),
            Self::Archive => f.write_str("the same layers and configuration, packed in another way"),
        }
    }
}

/// Compares every image of two builds: its archive byte by byte, and where these differ its layers, their files and its
/// configuration.
pub fn compare(one: &Images, other: &Images) -> Result<Vec<Comparison>, ImagesError> {
    let names =
        |images: &Images| images.manifest.images.iter().map(|image| image.name.clone()).collect::<Vec<_>>();
    let mut all = names(one);
    all.extend(names(other));
    all.sort();
    all.dedup();
    all.into_iter()
        .map(|name| {
            let outcome = match (one.get(&name), other.get(&name)) {
                (Some(a), Some(b)) => between((one, a), (other, b))?,
                (None, _) => Err(Difference::Absent { folder: one.folder.clone() }),
                (_, None) => Err(Difference::Absent { folder: other.folder.clone() }),
            };
            Ok(Comparison { image: name, outcome })
        })
        .collect()
}

type Build<'a> = (&'a Images, &'a ContainerImage);

fn between(one: Build<'_>, other: Build<'_>) -> Result<Result<String, Difference>, ImagesError> {
    let archive = |(images, image): Build<'_>| images.folder.join(&image.archive);
    let (a, b) = (archive(one), archive(other));
    let unreadable = |file: &Path, error: io::Error| ImagesError::Unreadable {
        file: file.into(),
        found: error.to_string(),
    };
    let bytes = fs::read(&a).map_err(|error| unreadable(&a, error))?;
    let others = fs::read(&b).map_err(|error| unreadable(&b, error))?;
    if bytes == others {
        return Ok(Ok(hex::encode(Sha256::digest(&bytes))));
    }
    let members = members(&bytes).map_err(|error| unreadable(&a, error))?;
    let other_members = self::members(&others).map_err(|error| unreadable(&b, error))?;
    let difference = first_difference(&members, &other_members).map_err(|error| unreadable(&a, error))?;
    Ok(Err(difference.unwrap_or(Difference::Archive)))
}

/// The files of an archive by name.
fn members(archive: &[u8]) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut members = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        let name = entry.path()?.display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        members.insert(name, content);
    }
    Ok(members)
}

fn first_difference(
    one: &BTreeMap<String, Vec<u8>>,
    other: &BTreeMap<String, Vec<u8>>,
) -> io::Result<Option<Difference>> {
    let (configuration, layers) = contents(one)?;
    let (other_configuration, other_layers) = contents(other)?;
    let count = layers.len();
    for (at, (layer, other_layer)) in layers.iter().zip(&other_layers).enumerate() {
        if layer == other_layer {
            continue;
        }
        let (path, what) = layer::first_differing_file(layer, other_layer)?;
        return Ok(Some(Difference::File { layer: at + 1, layers: count, path, what }));
    }
    if count != other_layers.len() {
        return Ok(Some(Difference::Layers { counts: (count, other_layers.len()) }));
    }
    let field = first_differing_field("", &configuration, &other_configuration);
    Ok(field.map(|field| Difference::Configuration { field }))
}

/// The configuration and the layers, lowest first, of a docker-archive.
fn contents(members: &BTreeMap<String, Vec<u8>>) -> io::Result<(serde_json::Value, Vec<&[u8]>)> {
    let get = |name: &str| {
        let found = members.get(name).map(Vec::as_slice);
        found.ok_or_else(|| io::Error::other(format!("the archive has no {name}")))
    };
    let manifest: serde_json::Value = serde_json::from_slice(get("manifest.json")?)?;
    let image = &manifest[0];
    let configuration = serde_json::from_slice(get(image["Config"].as_str().unwrap_or_default())?)?;
    let layers = image["Layers"].as_array().into_iter().flatten();
    let layers = layers.map(|layer| get(layer.as_str().unwrap_or_default())).collect::<io::Result<_>>()?;
    Ok((configuration, layers))
}

/// The first field, in the order of names, in which two JSON values differ.
fn first_differing_field(at: &str, one: &serde_json::Value, other: &serde_json::Value) -> Option<String> {
    use serde_json::Value::{Array, Object};
    let here = || Some(if at.is_empty() { "/".to_owned() } else { at.to_owned() });
    match (one, other) {
        _ if one == other => None,
        (Object(a), Object(b)) => {
            let mut names: Vec<_> = a.keys().chain(b.keys()).collect();
            names.sort();
            let null = serde_json::Value::Null;
            names.into_iter().find_map(|name| {
                let value = |object: &serde_json::Map<_, _>| object.get(name).unwrap_or(&null).clone();
                first_differing_field(&format!("{at}/{name}"), &value(a), &value(b))
            })
        }
        (Array(a), Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs
                .into_iter()
                .find_map(|(index, (a, b))| first_differing_field(&format!("{at}/{index}"), a, b))
        }
        _ => here(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_field_of_a_configuration_that_differs_is_named_by_its_pointer() {
        let one = json!({"config": {"Env": ["A=1", "B=2"], "User": "1"}, "created": "x"});
        let other = json!({"config": {"Env": ["A=1", "B=3"], "User": "2"}, "created": "x"});
        assert_eq!(first_differing_field("", &one, &other).as_deref(), Some("/config/Env/1"));
        assert_eq!(first_differing_field("", &one, &one), None);
    }
}
