//! What the definition asks of an image: its user, its ports, its mount points.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use stack::{MountSource, Service, Stack};

use super::{Check, ContainerImages, ImageArchive, Ruled, of, read};
use crate::{observation::EntryKind, runner::ports_of};

/// The first user and group that images may have: Nix ends every process of its build users, from 30001 up on most machines,
/// and people and packages of a host have those below.
const FIRST: u64 = 10_001;

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    let services = || stack.services.clone();
    let (of_user, of_ports, of_volumes) = (services(), services(), services());
    vec![
        of(
            "user",
            "every image, and every service, runs as a user and a group from 10001 up, by number",
            "`uid:gid`, both from 10001 up",
            move |images| users(images, &of_user),
        ),
        of(
            "ports",
            "what the definition reaches of an image is what the image says that it listens on",
            "container ports of `expose`, `ports`, readiness probes and health checks are ExposedPorts, and no others",
            move |images| ports(images, &of_ports),
        ),
        of(
            "volumes",
            "what a service mounts to write to is there in its image, and its user may write there",
            "a folder of the image whose owner, group or mode lets the user write; no volume that nobody named",
            move |images| volumes(images, &of_volumes),
        ),
    ]
}

fn users(images: &ContainerImages, services: &IndexMap<String, Service>) -> Ruled {
    let mut wrong = Vec::new();
    let of_images = read(images).map(|(name, image)| (name, image.user.as_str()));
    let of_services =
        services.iter().filter_map(|(name, service)| Some((name.as_str(), service.user.as_deref()?)));
    for (name, user) in of_images.chain(of_services) {
        if identity(user).is_none_or(|(uid, gid)| uid < FIRST || gid < FIRST) {
            wrong.push(format!("{name} runs as `{user}`"));
        }
    }
    let users: BTreeSet<&str> = read(images).map(|(_, image)| image.user.as_str()).collect();
    Ruled { wrong, looked_at: users.into_iter().collect::<Vec<_>>().join(", ") }
}

/// `uid:gid`, where both are numbers.
fn identity(user: &str) -> Option<(u64, u64)> {
    let (uid, gid) = user.split_once(':')?;
    Some((uid.parse().ok()?, gid.parse().ok()?))
}

fn ports(images: &ContainerImages, services: &IndexMap<String, Service>) -> Ruled {
    let mut used: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, service) in services {
        if let Ok((image, _)) = images.of_service(name) {
            used.entry(image)
                .or_default()
                .extend(used_by(service).into_iter().map(|port| format!("{port}/tcp")));
        }
    }
    let mut wrong = Vec::new();
    for (name, image) in read(images) {
        // Nobody reaches anything of an image that this definition starts nothing of.
        let Some(used) = used.get(name) else { continue };
        let listed = |ports: &mut dyn Iterator<Item = &String>| {
            let ports: Vec<&str> = ports.map(String::as_str).collect();
            ports.join(", ")
        };
        let unexposed = listed(&mut used.difference(&image.ports));
        let unused = listed(&mut image.ports.difference(used));
        if !unexposed.is_empty() {
            wrong.push(format!("{name} does not expose {unexposed}, which the definition reaches"));
        }
        if !unused.is_empty() {
            wrong.push(format!("{name} exposes {unused}, which the definition does not reach"));
        }
    }
    let count: usize = used.values().map(BTreeSet::len).sum();
    Ruled { wrong, looked_at: format!("{count} ports of {} images", used.len()) }
}

/// The container ports of a service that the definition reaches.
fn used_by(service: &Service) -> BTreeSet<u16> {
    let test = service.healthcheck.iter().flat_map(|check| &check.test);
    ports_of(service).chain(test.filter_map(|word| port_in(word))).collect()
}

/// The port of an address with a scheme: 8000 of `http://127.0.0.1:8000/health`.
fn port_in(word: &str) -> Option<u16> {
    let authority = word.split_once("://")?.1.split('/').next()?;
    authority.rsplit_once(':')?.1.parse().ok()
}

fn volumes(images: &ContainerImages, services: &IndexMap<String, Service>) -> Ruled {
    let mut wrong = Vec::new();
    let mut looked_at = Vec::new();
    for (name, service) in services {
        let Ok((_, image)) = images.of_service(name) else { continue };
        let user = service.user.as_deref().unwrap_or(&image.user);
        for mount in &service.mounts {
            let found = mount_point(image, &mount.target, user);
            // Who owns a file of the host is not the image's to say.
            let matters = !mount.read_only && matches!(mount.source, MountSource::Volume(_));
            match found {
                Err(why) if matters || image.follow(&mount.target).is_err() => {
                    wrong.push(format!("`{name}`: {why}"));
                }
                _ => looked_at.push(format!("{name} {}", mount.target)),
            }
        }
        let nameless = image.volumes.iter().filter(|path| !covered(service, path));
        wrong.extend(nameless.map(|path| {
            format!("`{name}`: its image declares a volume at {path}, and nothing is mounted there: a nameless one stays behind")
        }));
    }
    Ruled { wrong, looked_at: looked_at.join(", ") }
}

fn covered(service: &Service, path: &str) -> bool {
    service.mounts.iter().any(|mount| mount.target == path)
        || service.tmpfs.iter().any(|tmpfs| tmpfs.target == path)
}

/// Whether a user may write in a folder of the image, which is what an empty volume starts as.
fn mount_point(image: &ImageArchive, path: &str, user: &str) -> Result<(), String> {
    let entry =
        image.follow(path).map_err(|why| format!("{why}: the engine makes {path} for user 0 alone"))?;
    let (uid, gid) = identity(user).ok_or_else(|| format!("its user `{user}` is no pair of numbers"))?;
    if entry.kind != EntryKind::Folder {
        return Err(format!("{path} is no folder in the image"));
    }
    if entry.writable_by(uid, gid) {
        return Ok(());
    }
    let (owner, group, mode) = (entry.uid, entry.gid, entry.mode);
    Err(format!(
        "{path} is {owner}:{group}'s with mode {mode:o} in the image, and {user} may not write there"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_two_numbers_alone() {
        assert_eq!(identity("10001:10020"), Some((10_001, 10_020)));
        for user in ["", "10001", "api:api", "10001:"] {
            assert_eq!(identity(user), None, "{user}");
        }
    }

    #[test]
    fn a_port_is_read_from_an_address_with_a_scheme() {
        assert_eq!(port_in("http://127.0.0.1:8000/health"), Some(8000));
        assert_eq!(port_in("postgresql://127.0.0.1:5432/postgres"), Some(5432));
        for word in ["CMD", "healthcheck", "--port=80", "http://localhost/health", "127.0.0.1:80"] {
            assert_eq!(port_in(word), None, "{word}");
        }
    }
}
