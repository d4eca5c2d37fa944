//! Sabotages as data: what is changed from outside, and which check must notice.

mod image;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

pub use image::{Planted, Tampered};

/// What an overlay says in place of the catalogue's folder, for files that lie beside it.
const FOLDER: &str = "CATALOGUE";
/// What an overlay says in place of the changed proxy configuration.
const CADDYFILE: &str = "CADDYFILE";

/// What the definition is made of.
const PARTS: [&str; 4] = ["flake.nix", ".env.example", "compose/compose.yaml", "compose/proxy/Caddyfile"];

/// One defect, put in on purpose from outside the services' code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sabotage {
    /// The file's name without its ending.
    pub id: String,
    /// The kind of check that must notice: the first word of its id.
    pub kind: String,
    /// How it is put in.
    pub means: Means,
    /// Why this happens to real teams.
    pub why: String,
    /// Changes to the proxy's configuration, in order.
    #[serde(default)]
    pub caddyfile: Vec<Change>,
    /// Text put at the end of files of the repository, by path.
    #[serde(default)]
    pub append: BTreeMap<String, String>,
    /// Overlays of the repository that are laid over the definition before its own.
    #[serde(default)]
    pub over: Vec<PathBuf>,
    /// Profiles of the definition that are asked for.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// A Compose overlay. `CATALOGUE` in it is the catalogue's folder, `CADDYFILE` the changed configuration.
    #[serde(default)]
    pub overlay: serde_norway::Value,
    /// A container image with a layer on top.
    pub image: Option<Tampered>,
    /// What must come of it.
    #[serde(with = "serde_norway::with::singleton_map")]
    pub expect: Expect,
    /// What to run besides the check that is expected to tell: beginnings of ids.
    #[serde(default)]
    pub only: Vec<String>,
}

/// A change of a text: every occurrence of one part becomes another. Where there is none, the sabotage cannot be put in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What is there.
    pub replace: String,
    /// What is there afterwards.
    pub by: String,
}

/// How a sabotage is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Means {
    /// An environment variable of a service.
    E,
    /// The stack's definition, by an overlay.
    O,
    /// The proxy's configuration.
    X,
    /// An entrypoint or a container image.
    I,
    /// A volume or a mount.
    V,
    /// A TCP or HTTP proxy in the path.
    P,
    /// A file of the source tree.
    S,
}

/// What must come of a sabotage.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// This check fails, and no other red counts for it.
    Fail(String),
    /// A sound stack tolerates it: this check passes all the same.
    Pass(String),
}

impl Expect {
    /// The check that is expected to tell.
    pub fn check(&self) -> &str {
        match self {
            Self::Fail(check) | Self::Pass(check) => check,
        }
    }
}

/// A check that no defect from outside can turn red, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Without {
    /// The check.
    pub check: String,
    /// Why nothing from outside fails it.
    pub why: String,
}

/// The folder with the catalogue's files.
pub fn catalogue() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue")
}

/// Every sabotage of a folder, by name; a file that cannot be read is an error that names it.
pub fn read(folder: &Path) -> Result<Vec<Sabotage>, String> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>())
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    files.iter().map(|file| read_file(file)).collect()
}

/// Checks that no sabotage can turn red, from a file beside the catalogue.
pub fn without() -> Result<Vec<Without>, String> {
    parsed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("without.yaml"))
}

fn read_file(file: &Path) -> Result<Sabotage, String> {
    let sabotage: Sabotage = parsed(file)?;
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let kind = sabotage.expect.check().split('.').next().unwrap_or_default();
    if sabotage.id != name {
        return Err(format!(
            "{}: `id` is `{}`; expected the file's name, `{name}`",
            file.display(),
            sabotage.id
        ));
    }
    if sabotage.kind != kind {
        return Err(format!(
            "{}: `kind` is `{}`; expected the first word of its check, `{kind}`",
            file.display(),
            sabotage.kind
        ));
    }
    Ok(sabotage)
}

fn parsed<T: for<'de> Deserialize<'de>>(file: &Path) -> Result<T, String> {
    let text = read_text(file)?;
    serde_norway::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

impl Sabotage {
    /// The files of the sabotaged definition, base first. What it takes is written into `folder`; the sound files are in
    /// `repository`.
    pub fn files(&self, repository: &Path, folder: &Path) -> Result<Vec<PathBuf>, String> {
        let base =
            if self.append.is_empty() { repository.to_owned() } else { self.copy(repository, folder)? };
        let mut files = vec![base.join("compose/compose.yaml")];
        files.extend(self.over.iter().map(|overlay| repository.join(overlay)));
        if !self.overlay.is_null() {
            files.push(self.write_overlay(folder, &repository.join("compose/proxy/Caddyfile"))?);
        }
        Ok(files)
    }

    /// The folder of its container images. Where one is tampered with, it is written into `folder`; the sound ones are in
    /// `images`.
    pub fn images(&self, images: &Path, folder: &Path) -> Result<PathBuf, String> {
        let Some(tampered) = &self.image else { return Ok(images.to_owned()) };
        let to = folder.join("images");
        tampered.write(images, &to).map_err(|why| format!("{}: {why}", self.id))?;
        Ok(to)
    }

    /// A copy of what the definition is made of, with text appended; a whole checkout would be the same to the checks.
    fn copy(&self, repository: &Path, folder: &Path) -> Result<PathBuf, String> {
        let copy = folder.join("repository");
        for file in PARTS {
            let to = copy.join(file);
            let parent = to.parent().unwrap_or(&copy);
            fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
            write(&to, &read_text(&repository.join(file))?)?;
        }
        for (file, text) in &self.append {
            let to = copy.join(file);
            write(&to, &(read_text(&to)? + text))?;
        }
        Ok(copy)
    }

    fn write_overlay(&self, folder: &Path, caddyfile: &Path) -> Result<PathBuf, String> {
        let text = serde_norway::to_string(&self.overlay).map_err(|error| format!("{}: {error}", self.id))?;
        let text = text.replace(FOLDER, &catalogue().display().to_string());
        let changed = folder.join(format!("{}.Caddyfile", self.id));
        if !self.caddyfile.is_empty() {
            write(&changed, &self.changed(caddyfile)?)?;
        }
        let overlay = folder.join(format!("{}.yaml", self.id));
        write(&overlay, &text.replace(CADDYFILE, &changed.display().to_string()))?;
        Ok(overlay)
    }

    fn changed(&self, caddyfile: &Path) -> Result<String, String> {
        let mut text = read_text(caddyfile)?;
        for change in &self.caddyfile {
            if !text.contains(&change.replace) {
                return Err(format!(
                    "{}: {} has no `{}` that could be replaced",
                    self.id,
                    caddyfile.display(),
                    change.replace
                ));
            }
            text = text.replace(&change.replace, &change.by);
        }
        Ok(text)
    }

    /// Which checks a run of it needs, as `--only` takes them.
    pub fn only(&self) -> Vec<String> {
        let mut only = self.only.clone();
        only.push(self.expect.check().to_owned());
        only
    }
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

fn read_text(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}
