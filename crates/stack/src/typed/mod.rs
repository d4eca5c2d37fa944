//! The merged tree to the model: every key checked, every value in its type, every wrong one recorded.

mod deploy;
mod health;
mod mounts;
mod options;
mod ports;
mod service;
mod values;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use indexmap::IndexMap;

use crate::{
    interpolate, keys,
    keys::Keys,
    model::{Network, Secret, SecretSource, Stack, StackOptions, Volume},
    reading::Reading,
    source,
    yaml::{Entry, Mapping, Node, Value},
};

/// The stack with every service, whatever its profiles. None: there is nothing to go on with.
pub(crate) fn stack(reading: &mut Reading<'_>, root: &Node, name: String, folder: &Path) -> Option<Stack> {
    let top = keys::mapping(reading, root, "", &keys::TOP)?;
    let options = match root.get("x-shakedown") {
        Some(node) => options::stack(reading, node),
        None => StackOptions::default(),
    };
    let mut services = IndexMap::new();
    for (name, entry) in section(reading, top, "services") {
        check_name(reading, name, entry);
        reading.service = Some(name.clone());
        let service = service::service(reading, name, entry, folder);
        reading.service = None;
        services.insert(name.clone(), service);
    }
    if services.is_empty() && reading.is_sound() {
        reading.problem(root.place, "no service is defined; expected at least one under `services`");
    }
    let mut volumes = BTreeMap::new();
    for (name, entry) in section(reading, top, "volumes") {
        volumes.insert(name.clone(), volume(reading, name, &entry.node));
    }
    let mut networks = BTreeMap::new();
    for (name, entry) in section(reading, top, "networks") {
        networks.insert(name.clone(), network(reading, name, &entry.node));
    }
    let mut secrets = BTreeMap::new();
    for (name, entry) in section(reading, top, "secrets") {
        let secret = secret(reading, name, entry, folder);
        secrets.insert(name.clone(), secret);
    }
    Some(Stack {
        files: Vec::new(),
        name,
        services,
        volumes,
        networks,
        secrets,
        options,
        warnings: Vec::new(),
    })
}

/// The entries of a top-level mapping; recorded when it is something else.
fn section<'n>(reading: &mut Reading<'_>, top: &'n Mapping, key: &str) -> Vec<(&'n String, &'n Entry)> {
    match top.get(key).map(|entry| &entry.node) {
        Some(Node { value: Value::Mapping(entries), .. }) => {
            entries.iter().filter(|(name, _)| !name.starts_with("x-") || key == "services").collect()
        }
        Some(node) if !node.is_null() => {
            reading.unexpected(node, key, "a mapping of names");
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Service names become host names and parts of container names.
fn check_name(reading: &mut Reading<'_>, name: &str, entry: &Entry) {
    let good = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !good {
        let message =
            format!("`{name}` is no name for a service; expected letters, digits, `-`, `_` and `.`");
        reading.problem(entry.key, message);
    }
}

/// The project's name: `COMPOSE_PROJECT_NAME`, else `name:` of the last file that has one, else the folder's.
pub(crate) fn project_name(reading: &mut Reading<'_>, trees: &[Node], folder: &Path) -> String {
    let written = trees.iter().rev().find_map(|tree| tree.get("name"));
    if let Some(name) = reading.variable("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty()) {
        if !is_project_name(&name) {
            reading.problem_without_place(
                "the value of variable COMPOSE_PROJECT_NAME is no project name; expected lower case letters, digits, \
                 `-` and `_`",
            );
        }
        return name;
    }
    let Some(node) = written else {
        let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let name: String = name.chars().filter(|c| is_project_character(*c)).collect();
        let name = name.trim_start_matches(['-', '_']);
        return if name.is_empty() { "stack".to_owned() } else { name.to_owned() };
    };
    let name = node.as_text().and_then(|text| {
        let lookup = |name: &str| reading.variable(name);
        interpolate::text(text, &lookup).ok()
    });
    match name {
        Some(name) if is_project_name(&name) => name,
        _ => {
            let expected =
                "a project name of lower case letters, digits, `-` and `_`, a letter or digit first";
            reading.unexpected(node, "name", expected);
            String::new()
        }
    }
}

fn is_project_character(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_')
}

fn is_project_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(is_project_character)
}

fn volume(reading: &mut Reading<'_>, name: &str, node: &Node) -> Volume {
    let path = format!("volumes.{name}");
    if !known_or_empty(reading, node, &path, &keys::VOLUME) {
        return Volume::default();
    }
    driver(reading, node, &path, "local");
    Volume { external: reading.flag(node, &path, "external"), name: reading.text_under(node, &path, "name") }
}

fn network(reading: &mut Reading<'_>, name: &str, node: &Node) -> Network {
    let path = format!("networks.{name}");
    if !known_or_empty(reading, node, &path, &keys::NETWORK) {
        return Network::default();
    }
    driver(reading, node, &path, "bridge");
    Network {
        internal: reading.flag(node, &path, "internal"),
        external: reading.flag(node, &path, "external"),
        name: reading.text_under(node, &path, "name"),
    }
}

fn driver(reading: &mut Reading<'_>, node: &Node, path: &str, only: &str) {
    if let Some(driver) = node.get("driver").filter(|driver| driver.as_text() != Some(only)) {
        reading.unexpected(driver, &format!("{path}.driver"), &format!("`{only}`, the one driver supported"));
    }
}

/// Whether there is a mapping to read; wrong keys are recorded.
fn known_or_empty(reading: &mut Reading<'_>, node: &Node, path: &str, keys: &Keys) -> bool {
    !node.is_null() && keys::mapping(reading, node, path, keys).is_some()
}

fn secret(reading: &mut Reading<'_>, name: &str, entry: &Entry, folder: &Path) -> Secret {
    let path = format!("secrets.{name}");
    let at = reading.location(entry.key);
    let nowhere = SecretSource::File(PathBuf::new());
    let sound = keys::mapping(reading, &entry.node, &path, &keys::SECRET).is_some();
    let file = reading.text_under(&entry.node, &path, "file");
    let environment = reading.text_under(&entry.node, &path, "environment");
    let source = match (file, environment) {
        (Some(file), None) => SecretSource::File(host_path(reading, &file, folder)),
        (None, Some(variable)) => SecretSource::Environment(variable),
        (Some(_), Some(_)) => {
            reading.problem(
                entry.key,
                format!("`{path}` has both `file` and `environment`; expected one of them"),
            );
            nowhere
        }
        (None, None) => {
            let elsewhere = ["content", "external"].iter().any(|key| entry.node.get(key).is_some());
            if sound && !elsewhere {
                reading.problem(entry.key, format!("`{path}` has no source; expected `file: PATH`"));
            }
            nowhere
        }
    };
    Secret { at, source }
}

/// A path of the host: absolute, `~` replaced, relative ones counted from the project's folder.
fn host_path(reading: &Reading<'_>, written: &str, folder: &Path) -> PathBuf {
    let home = written.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match (home, reading.variable("HOME")) {
        (Some(rest), Some(home)) => source::tidy(&Path::new(&home).join(rest.trim_start_matches('/'))),
        _ => source::tidy(&folder.join(written)),
    }
}
