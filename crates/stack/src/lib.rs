//! Compose file to [`Stack`]: plain data, with the place of each error.
//!
//! Layer: pure, save for reading the files it is given; no async, no containers, no network. Data passes through the
//! modules in this order:
//!
//! ```text
//! files -> source -> yaml (tree with places) -> interpolate -> normalise (long spellings) -> merge (overlays)
//!       -> typed (model) -> profiles -> validate -> Stack
//! ```
//!
//! [`read`] follows `docker compose config` (see `tests/authority.rs`). What Compose knows and this reader does not is
//! refused by name; nothing is dropped in silence. All problems of a stage are reported at once.

mod dotenv;
mod interpolate;
mod keys;
mod merge;
mod model;
mod near;
mod normalise;
mod order;
mod problem;
mod profiles;
mod reading;
mod source;
mod typed;
mod validate;
mod yaml;

use std::path::{Path, PathBuf};

pub use model::*;
pub use problem::{Problem, ReadError};

use reading::Reading;
use yaml::Node;

/// Where the reader looks up variables, before `.env`: a name to its value.
///
/// For a person's own environment: `&|name| std::env::var(name).ok()`.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// Reads a Compose file and its overlays.
///
/// The first file is the base; each further one is merged over what came before, by Compose's rules. The folder of the
/// first file is the project's: relative paths of every file count from there, and a file `.env` in it gives values to
/// variables that `environment` does not have. `profiles` are the profiles to enable (`*` enables all); services
/// without a profile are always in. Volumes, networks and secrets that no enabled service uses are left out.
///
/// # Errors
/// Everything that was found wrong, each with file, line and column; see [`ReadError`].
pub fn read(
    files: &[PathBuf],
    environment: Environment<'_>,
    profiles: &[String],
) -> Result<Stack, ReadError> {
    let mut reading = Reading::new(environment);
    match read_stages(&mut reading, files, profiles) {
        Some(stack) if reading.is_sound() => Ok(stack),
        _ => Err(reading.into_error()),
    }
}

/// The stages, one after the other. None: a problem was recorded that leaves nothing to go on with.
fn read_stages(reading: &mut Reading<'_>, files: &[PathBuf], profiles: &[String]) -> Option<Stack> {
    let Some(base) = files.first() else {
        reading.problem_without_place("no Compose file was given; name one, such as compose/compose.yaml");
        return None;
    };
    let folder = project_folder(base);
    reading.load_dotenv(&folder.join(".env"));

    let mut trees = Vec::new();
    for file in files {
        trees.extend(reading.load(file).and_then(|id| yaml::parse(reading, id)));
    }
    if !reading.is_sound() {
        return None;
    }
    let name = typed::project_name(reading, &trees, &folder);
    reading.set_project_name(&name);
    for tree in &mut trees {
        interpolate::tree(reading, tree);
    }
    if !reading.is_sound() {
        return None;
    }
    let mut whole: Option<Node> = None;
    for mut tree in trees {
        normalise::file(reading, &mut tree);
        whole = Some(match whole {
            None => merge::base(tree),
            Some(under) => merge::over(reading, under, tree),
        });
    }
    let mut stack = typed::stack(reading, &whole?, name, &folder)?;
    let left_out = profiles::select(&mut stack, profiles);
    validate::stack(reading, &stack, &left_out);
    profiles::prune(&mut stack);
    stack.files = files.to_vec();
    stack.warnings = reading.take_warnings();
    Some(stack)
}

/// The folder that relative paths count from, absolute.
fn project_folder(base: &Path) -> PathBuf {
    let folder = base.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    source::tidy(&std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf()))
}
