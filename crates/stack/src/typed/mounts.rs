//! What a service sees of files: volumes, bind mounts, memory file systems, secrets.

use std::path::Path;

use super::host_path;
use crate::{
    keys,
    model::{Mount, MountSource, SecretMount, Tmpfs},
    reading::{Reading, Target},
    yaml::Node,
};

/// `volumes` of a service, spelled long by now.
pub(crate) fn mounts(reading: &mut Reading<'_>, node: &Node, path: &str, folder: &Path) -> Vec<Mount> {
    let items = reading.list_under(node, path, "volumes");
    items.iter().filter_map(|item| mount(reading, item, &format!("{path}.volumes"), folder)).collect()
}

fn mount(reading: &mut Reading<'_>, item: &Node, path: &str, folder: &Path) -> Option<Mount> {
    if let Some(mode) = item.get("mode").filter(|mode| mode.place == item.place) {
        let message = format!(
            "`{path}` has mode `{}`, which is not supported by Shakedown; expected `ro` or `rw`",
            mode.as_text().unwrap_or_default()
        );
        reading.problem(item.place, message);
        return None;
    }
    keys::mapping(reading, item, path, &keys::MOUNT)?;
    let target = absolute(reading, item, path)?;
    if let Some(bind) = item.get("bind") {
        let path = format!("{path}.bind");
        keys::mapping(reading, bind, &path, &keys::BIND)?;
        reading.flag(bind, &path, "create_host_path");
    }
    let kind = reading.text_under(item, path, "type");
    let source = reading.text_under(item, path, "source");
    let source = match (kind.as_deref(), source) {
        (Some("volume"), Some(name)) => {
            reading.refer(item.get("source").unwrap_or(item).place, Target::Volume, &name);
            MountSource::Volume(name)
        }
        (Some("bind"), Some(source)) => MountSource::Bind(host_path(reading, &source, folder)),
        (Some("volume"), None) => {
            let message = format!(
                "`{path}` mounts `{target}` without a name, which is not supported by Shakedown; name a volume as in \
                 `data:{target}`, or use `tmpfs`"
            );
            reading.problem(item.place, message);
            return None;
        }
        (Some("bind"), None) => {
            reading
                .problem(item.place, format!("`{path}` has a bind mount without `source`; expected a path"));
            return None;
        }
        (Some(_), _) => {
            let kind = item.get("type").unwrap_or(item);
            reading.unexpected(
                kind,
                &format!("{path}.type"),
                "`volume` or `bind` (memory file systems go in `tmpfs`)",
            );
            return None;
        }
        (None, _) => {
            reading.problem(
                item.place,
                format!("`{path}` has a mount without `type`; expected `volume` or `bind`"),
            );
            return None;
        }
    };
    Some(Mount { source, target, read_only: reading.flag(item, path, "read_only") })
}

fn absolute(reading: &mut Reading<'_>, item: &Node, path: &str) -> Option<String> {
    let Some(target) = item.get("target") else {
        reading.problem(
            item.place,
            format!("`{path}` has a mount without `target`; expected a path in the container"),
        );
        return None;
    };
    let whole = |text: &str| text.starts_with('/').then(|| text.to_owned());
    reading.parsed(target, &format!("{path}.target"), "a path in the container that begins with `/`", whole)
}

/// `tmpfs`.
pub(crate) fn tmpfs(reading: &mut Reading<'_>, node: &Node, path: &str) -> Vec<Tmpfs> {
    let split = |text: &str| {
        let (target, options) = text.split_once(':').unwrap_or((text, ""));
        let tmpfs = Tmpfs { target: target.to_owned(), options: options.to_owned() };
        target.starts_with('/').then_some(tmpfs)
    };
    let items = reading.list_under(node, path, "tmpfs");
    let path = format!("{path}.tmpfs");
    items.iter().filter_map(|item| reading.parsed(item, &path, "`/PATH` or `/PATH:OPTIONS`", split)).collect()
}

/// `secrets` of a service, spelled long by now.
pub(crate) fn secrets(reading: &mut Reading<'_>, node: &Node, path: &str) -> Vec<SecretMount> {
    let items = reading.list_under(node, path, "secrets");
    let path = format!("{path}.secrets");
    let mut mounts = Vec::new();
    for item in items {
        if keys::mapping(reading, item, &path, &keys::SECRET_MOUNT).is_none() {
            continue;
        }
        let Some(secret) = reading.text_under(item, &path, "source") else {
            reading.problem(
                item.place,
                format!("`{path}` has an entry without `source`; expected a secret's name"),
            );
            continue;
        };
        reading.refer(item.get("source").unwrap_or(item).place, Target::Secret, &secret);
        let target = match reading.text_under(item, &path, "target") {
            Some(target) if target.starts_with('/') => target,
            Some(target) => format!("/run/secrets/{target}"),
            None => format!("/run/secrets/{secret}"),
        };
        mounts.push(SecretMount { secret, target });
    }
    mounts
}
