//! A container image with one layer too many: the folder of images again, but for one archive.

use std::{fs, io::Read, os::unix::fs::symlink, path::Path};

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Archive, Builder, EntryType, Header};

/// As in `nix/manifest/name_by_content.py`.
const TAG_DIGITS: usize = 16;

/// An image and what is laid over it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tampered {
    /// The image's short name.
    pub name: String,
    /// The files of the layer.
    #[serde(default)]
    pub layer: Vec<Planted>,
    /// What its configuration says instead.
    #[serde(default)]
    pub configuration: Value,
}

/// A file that is not there in a sound image.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planted {
    /// Where it is put, without a `/` in front.
    pub path: String,
    /// Its permissions in octal digits.
    #[serde(default = "executable")]
    pub mode: String,
    /// When it was changed last, in seconds since 1970.
    #[serde(default = "one")]
    pub modified: u64,
    /// What it begins with, in hexadecimal digits.
    #[serde(default)]
    pub hex: String,
    /// What comes after that.
    #[serde(default)]
    pub text: String,
    /// How many zeros come last.
    #[serde(default)]
    pub zeros: usize,
}

fn executable() -> String {
    "555".into()
}

fn one() -> u64 {
    1
}

impl Tampered {
    /// Makes the folder `to` of the images in `from`, this one with its layer on top.
    pub fn write(&self, from: &Path, to: &Path) -> Result<(), String> {
        let told = |path: &Path| {
            let path = path.to_owned();
            move |error: std::io::Error| format!("{}: {error}", path.display())
        };
        fs::create_dir_all(to).map_err(told(to))?;
        let archive = format!("{}.tar", self.name);
        for entry in fs::read_dir(from).map_err(told(from))?.flatten() {
            let name = entry.file_name();
            if name != "manifest.json" && name != archive.as_str() {
                let sound = entry.path().canonicalize().map_err(told(&entry.path()))?;
                symlink(sound, to.join(&name)).map_err(told(&to.join(name)))?;
            }
        }
        let layer = self.layer().map_err(|error| format!("the layer of {}: {error}", self.name))?;
        let change = self.write_archive(&from.join(&archive), &to.join(&archive), &layer)?;
        let manifest = from.join("manifest.json");
        let mut read: Value = parsed(&fs::read(&manifest).map_err(told(&manifest))?, &manifest)?;
        let images = read["images"].as_array_mut().into_iter().flatten();
        let mut images = images.filter(|image| image["name"] == self.name.as_str());
        let image = images
            .next()
            .ok_or_else(|| format!("{}: no image is called {}", manifest.display(), self.name))?;
        image["tag"] = json!(change.tag);
        image["config_digest"] = json!(change.digest);
        image["layers"] = json!(change.layers);
        image["size_bytes"] = json!(image["size_bytes"].as_u64().unwrap_or(0) + layer.len() as u64);
        let manifest = to.join("manifest.json");
        fs::write(&manifest, read.to_string()).map_err(told(&manifest))
    }

    fn layer(&self) -> Result<Vec<u8>, String> {
        let mut builder = Builder::new(Vec::new());
        for file in &self.layer {
            let mut content = hex::decode(&file.hex).map_err(|error| format!("{}: {error}", file.path))?;
            content.extend(file.text.as_bytes());
            content.resize(content.len() + file.zeros, 0);
            let mode =
                u32::from_str_radix(&file.mode, 8).map_err(|error| format!("{}: {error}", file.path))?;
            let mut header = header(content.len());
            header.set_mode(mode);
            header.set_mtime(file.modified);
            let added = builder.append_data(&mut header, &file.path, content.as_slice());
            added.map_err(|error| format!("{}: {error}", file.path))?;
        }
        builder.into_inner().map_err(|error| error.to_string())
    }

    fn write_archive(&self, from: &Path, to: &Path, layer: &[u8]) -> Result<Change, String> {
        let of = |path: &Path| {
            let path = path.display().to_string();
            move |error: std::io::Error| format!("{path}: {error}")
        };
        let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
        let mut archive = Archive::new(fs::File::open(from).map_err(of(from))?);
        for entry in archive.entries().map_err(of(from))? {
            let mut entry = entry.map_err(of(from))?;
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(of(from))?;
            parts.push((String::from_utf8_lossy(&entry.path_bytes()).into_owned(), content));
        }
        let mut take = |name: &str| {
            let at = parts.iter().position(|(part, _)| part == name);
            at.map(|at| parts.remove(at).1).ok_or_else(|| format!("{}: no {name} in it", from.display()))
        };
        let mut manifest: Value = parsed(&take("manifest.json")?, from)?;
        let configuration = manifest[0]["Config"].as_str().unwrap_or_default().to_owned();
        let mut configuration: Value = parsed(&take(&configuration)?, from)?;
        let digest = hex::encode(Sha256::digest(layer));
        push(&mut configuration["rootfs"]["diff_ids"], json!(format!("sha256:{digest}")));
        let created = json!({ "created": configuration["created"] });
        push(&mut configuration["history"], created);
        let layers = configuration["rootfs"]["diff_ids"].clone();
        lay_over(&mut configuration, &self.configuration);
        let configuration = configuration.to_string();
        let name = hex::encode(Sha256::digest(&configuration));
        let layer_path = format!("{digest}/layer.tar");
        push(&mut manifest[0]["Layers"], json!(layer_path));
        manifest[0]["Config"] = json!(format!("{name}.json"));
        let tag = name[..TAG_DIGITS].to_owned();
        manifest[0]["RepoTags"] = json!([format!("shakedown/{}:{tag}", self.name)]);
        parts.push((layer_path, layer.to_vec()));
        parts.push((format!("{name}.json"), configuration.into_bytes()));
        parts.push(("manifest.json".into(), manifest.to_string().into_bytes()));
        let mut builder = Builder::new(fs::File::create(to).map_err(of(to))?);
        for (path, content) in parts {
            let mut header = header(content.len());
            builder.append_data(&mut header, path, content.as_slice()).map_err(of(to))?;
        }
        builder.finish().map_err(of(to))?;
        Ok(Change { tag, digest: format!("sha256:{name}"), layers })
    }
}

/// What becomes of an image's name.
struct Change {
    tag: String,
    digest: String,
    layers: Value,
}

fn header(length: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(length as u64);
    header.set_mode(0o444);
    header.set_mtime(1);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Every value of `over` that is no mapping takes the place of what is there.
fn lay_over(below: &mut Value, over: &Value) {
    match over {
        Value::Null => {}
        Value::Object(over) => {
            for (key, over) in over {
                lay_over(&mut below[key], over);
            }
        }
        over => *below = over.clone(),
    }
}

fn push(list: &mut Value, item: Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(item);
    }
}

fn parsed(bytes: &[u8], file: &Path) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_over_a_configuration_leaves_the_rest_of_it() {
        let mut below = json!({ "architecture": "amd64", "config": { "User": "1:1", "Cmd": ["a"] } });
        lay_over(&mut below, &json!({ "config": { "User": "0:0", "Volumes": { "/data": [] } } }));
        let expected = json!({ "User": "0:0", "Cmd": ["a"], "Volumes": { "/data": [] } });
        assert_eq!((&below["config"], &below["architecture"]), (&expected, &json!("amd64")));
    }

    #[test]
    fn a_layer_holds_its_files_with_the_rights_and_dates_they_are_given() {
        let planted = |path: &str, mode: &str| Planted {
            path: path.into(),
            mode: mode.into(),
            modified: 7,
            hex: "7f45".into(),
            text: "a".into(),
            zeros: 2,
        };
        let tampered = |layer| Tampered { name: "web".into(), layer, configuration: Value::Null }.layer();
        let layer = tampered(vec![planted("bin/ping", "4755")]).unwrap();
        let mut archive = Archive::new(layer.as_slice());
        let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
        let header = entry.header();
        assert_eq!((header.mode().unwrap(), header.mtime().unwrap()), (0o4755, 7));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"\x7fEa\0\0");
        assert!(tampered(vec![planted("bin/ping", "rwx")]).unwrap_err().starts_with("bin/ping: "));
    }
}
