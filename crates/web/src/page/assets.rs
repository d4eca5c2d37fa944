//! Style sheets, scripts and pictures, compiled in. Their names carry a hash of their content, so a browser
//! may keep them for ever.

use std::borrow::Cow;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// A file that pages refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// For the `Content-Type` header.
    pub content_type: &'static str,
    /// What it holds; other assets in it are named with their hashes.
    pub content: &'static [u8],
}

/// The asset of this name, such as `print.0123456789abcdef.css`; its path is `/assets/{name}`.
pub fn find(name: &str) -> Option<Asset> {
    let found = TABLE.iter().find(|named| named.path.strip_prefix(FOLDER) == Some(name))?;
    Some(Asset { content_type: found.content_type, content: &found.content })
}

/// Where pages find the asset that is called `name` in the folder `assets`.
///
/// # Panics
///
/// When there is none. Only templates call this, and a test renders them all.
pub(super) fn path(name: &str) -> &'static str {
    match TABLE.iter().find(|named| named.name == name) {
        Some(named) => &named.path,
        None => panic!("there is no asset `{name}`; assets.rs lists them"),
    }
}

const FOLDER: &str = "/assets/";
/// Of the hash, in hexadecimal digits: changes are told apart, nothing is secured.
const HASH_DIGITS: usize = 16;

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../assets/", $name)))),*]
    };
}

/// What stands earlier can be referred to by style sheets that stand later.
const SOURCES: &[(&str, &[u8])] = sources![
    "edge.svg",
    "fade.svg",
    "favicon.svg",
    "sample-photo.jpg",
    "sample-halftone.jpg",
    "sample-duotone.jpg",
    "print.css",
    "pages.css",
    "copy.js",
    "countdown.js",
    "job.js",
    "send-once.js",
    "upload.js",
];

struct Named {
    name: &'static str,
    path: String,
    content_type: &'static str,
    content: Cow<'static, [u8]>,
}

static TABLE: LazyLock<Vec<Named>> = LazyLock::new(|| {
    let mut table: Vec<Named> = Vec::new();
    for &(name, source) in SOURCES {
        let (stem, kind) = name.rsplit_once('.').unwrap_or((name, ""));
        let content = match std::str::from_utf8(source) {
            Ok(text) if kind == "css" => Cow::Owned(with_hashed_names(text, &table).into_bytes()),
            _ => Cow::Borrowed(source),
        };
        let hash = hex::encode(Sha256::digest(&content));
        let path = format!("{FOLDER}{stem}.{}.{kind}", &hash[..HASH_DIGITS]);
        table.push(Named { name, path, content_type: content_type(kind), content });
    }
    table
});

fn with_hashed_names(style: &str, earlier: &[Named]) -> String {
    earlier.iter().fold(style.to_owned(), |style, named| {
        style.replace(&format!("url({})", named.name), &format!("url({})", named.path))
    })
}

fn content_type(kind: &str) -> &'static str {
    match kind {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "jpg" => "image/jpeg",
        _ => "application/octet-stream",
    }
}

/// All of them, with their paths.
pub fn all() -> impl Iterator<Item = (&'static str, Asset)> {
    TABLE.iter().map(|named| {
        (named.path.as_str(), Asset { content_type: named.content_type, content: &named.content })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_table() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
        let files: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed: BTreeSet<String> = SOURCES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(files, listed);
    }

    #[test]
    fn asset_is_found_by_the_name_in_its_path_and_by_no_other() {
        let name = path("print.css").strip_prefix("/assets/").unwrap();
        assert_eq!(find(name).unwrap().content_type, "text/css; charset=utf-8");
        for other in ["", "print.css", "print.0000000000000000.css", "../Cargo.toml"] {
            assert_eq!(find(other), None, "{other}");
        }
    }

    #[test]
    fn name_changes_with_the_content() {
        let hash = |content: &[u8]| hex::encode(Sha256::digest(content))[..HASH_DIGITS].to_owned();
        for (path, asset) in all() {
            assert!(path.contains(&hash(asset.content)), "{path}");
        }
    }

    #[test]
    fn style_sheets_name_only_assets_that_exist() {
        for (path, asset) in all().filter(|(_, asset)| asset.content_type.starts_with("text/css")) {
            let style = std::str::from_utf8(asset.content).unwrap();
            for rest in style.split("url(").skip(1) {
                let address = rest.split(')').next().unwrap();
                assert!(all().any(|(path, _)| path == address), "{path} refers to {address}");
            }
        }
    }

    #[test]
    fn no_kind_of_file_is_unknown() {
        assert!(all().all(|(_, asset)| asset.content_type != "application/octet-stream"));
    }
}
