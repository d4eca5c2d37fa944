//! Who depends on what, as the definition says: what outages take away, who comes late, and who is to notice.

use reqwest::Url;
use stack::{Kind, MountSource, Readiness, Stack};

use crate::runner::instances;

/// The path at which a service says what it thinks of its dependencies, one by one.
const READY: &str = "/ready";
/// What a service calls the folder of the image store, in `/ready`.
pub const IMAGE_STORE: &str = "image_store";

/// Something that can be away, and the services that say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// What `/ready` calls it: a service of the definition, with `_` for each `-`, or [`IMAGE_STORE`].
    pub name: String,
    /// The service that it is; none for a folder.
    pub service: Option<String>,
    /// The services that depend on it.
    pub witnesses: Vec<String>,
}

impl Dependency {
    /// Every instance of its witnesses.
    pub fn instances(&self, stack: &Stack) -> Vec<String> {
        self.witnesses.iter().flat_map(|witness| instances_of(stack, witness)).collect()
    }
}

/// The services that say what they think of their dependencies: those whose readiness is asked for at `/ready`.
pub fn witnesses(stack: &Stack) -> Vec<&str> {
    let says = |ready: &Readiness| matches!(ready, Readiness::Http { path, .. } if path == READY);
    let services = stack.services.iter().filter(|(_, service)| service.ready.as_ref().is_some_and(says));
    services.map(|(name, _)| name.as_str()).collect()
}

/// What the witnesses depend on, in the order of the definition, the folder of the image store last.
pub fn dependencies(stack: &Stack) -> Vec<Dependency> {
    let witnesses = witnesses(stack);
    let services = stack.services.keys().map(|service| {
        let depends = |witness: &&&str| daemons(stack, witness).contains(&service.as_str());
        let witnesses = witnesses.iter().filter(depends).map(ToString::to_string).collect();
        Dependency { name: called(service), service: Some(service.clone()), witnesses }
    });
    let keep_images = witnesses.iter().filter(|witness| keeps_images(stack, witness));
    let folder = Dependency {
        name: IMAGE_STORE.into(),
        service: None,
        witnesses: keep_images.map(ToString::to_string).collect(),
    };
    services.chain([folder]).filter(|dependency| !dependency.witnesses.is_empty()).collect()
}

/// The dependencies that are services: those that can come late.
pub fn services(stack: &Stack) -> Vec<Dependency> {
    let all = dependencies(stack).into_iter();
    all.filter(|dependency| dependency.service.is_some()).collect()
}

/// What one service depends on, as `/ready` calls it: the daemons that it waits for, those that a oneshot had to wait for
/// before it, and the folder of the image store where it has that.
pub fn of(stack: &Stack, service: &str) -> Vec<String> {
    let daemons = daemons(stack, service).into_iter().map(called);
    daemons.chain(keeps_images(stack, service).then(|| IMAGE_STORE.to_owned())).collect()
}

/// A service's name as a field of an answer.
fn called(service: &str) -> String {
    service.replace('-', "_")
}

/// Whether a service has the folder of the image store.
fn keeps_images(stack: &Stack, service: &str) -> bool {
    stack.services.get(service).is_some_and(|service| image_volume(service).is_some())
}

fn daemons<'s>(stack: &'s Stack, service: &str) -> Vec<&'s str> {
    let mut found = Vec::new();
    let needed = stack.services.get(service).into_iter().flat_map(|service| service.depends_on.keys());
    for name in needed {
        match stack.services.get(name) {
            Some(needed) if needed.kind == Kind::Oneshot => found.extend(daemons(stack, name)),
            _ => found.push(name.as_str()),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The service that a service's `S3_ENDPOINT` leads to.
pub fn s3_store<'s>(stack: &'s Stack, service: &str) -> Option<&'s str> {
    let endpoint = stack.services.get(service)?.environment.get("S3_ENDPOINT")?;
    let (host, _) = host_and_port(endpoint).ok()?;
    stack.services.get_key_value(&host).map(|(name, _)| name.as_str())
}

/// Host and container port of an `S3_ENDPOINT`, `http://HOST:PORT`.
pub fn host_and_port(endpoint: &str) -> Result<(String, u16), String> {
    let url: Url = endpoint.parse().map_err(|error| format!("S3_ENDPOINT `{endpoint}`: {error}"))?;
    let parts = url.host_str().map(str::to_owned).zip(url.port_or_known_default());
    parts.ok_or_else(|| format!("S3_ENDPOINT `{endpoint}` has no host and port"))
}

/// The volume that a service has at its `IMAGE_STORE_PATH`.
pub fn image_volume(service: &stack::Service) -> Option<&str> {
    let path = service.environment.get("IMAGE_STORE_PATH")?;
    match &service.mounts.iter().find(|mount| mount.target == *path)?.source {
        MountSource::Volume(name) => Some(name),
        MountSource::Bind(_) => None,
    }
}

/// The instances of a service by its name.
pub fn instances_of(stack: &Stack, name: &str) -> Vec<String> {
    stack.services.get(name).map(|service| instances(name, service)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::*;

    fn definition(overlays: &[&str]) -> Stack {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose");
        let files: Vec<_> = ["compose.yaml"].iter().chain(overlays).map(|file| folder.join(file)).collect();
        stack::read(&files, &|_| None, &[]).unwrap()
    }

    #[rstest]
    #[case::folder(&[], None)]
    #[case::s3(&["s3.yaml"], Some("image-store"))]
    fn the_definition_says_who_depends_on_what(#[case] overlays: &[&str], #[case] store: Option<&str>) {
        let stack = definition(overlays);
        let mut shown: Vec<(String, Option<String>, String)> = dependencies(&stack)
            .into_iter()
            .map(|dependency| (dependency.name, dependency.service, dependency.witnesses.join(" ")))
            .collect();
        shown.sort();
        let expected = [
            ("api", Some("api"), "web"),
            ("image_store", store, "api worker"),
            ("postgres", Some("postgres"), "api worker"),
            ("redis", Some("redis"), "api worker"),
        ];
        let owned = |(name, service, witnesses): (&str, Option<&str>, &str)| {
            (name.to_owned(), service.map(str::to_owned), witnesses.to_owned())
        };
        assert_eq!(shown, expected.map(owned));
        assert!(of(&stack, "worker").contains(&IMAGE_STORE.to_owned()));
    }

    #[test]
    fn endpoint_names_a_service_and_its_container_port() {
        assert_eq!(host_and_port("http://image-store:3900").unwrap(), ("image-store".to_owned(), 3900));
        assert_eq!(host_and_port("http://image-store").unwrap(), ("image-store".to_owned(), 80));
        assert!(host_and_port("image-store").is_err());
    }

    #[test]
    fn every_instance_of_a_witness_is_asked() {
        let stack = definition(&[]);
        let redis = dependencies(&stack).into_iter().find(|dependency| dependency.name == "redis").unwrap();
        assert_eq!(redis.instances(&stack), ["api", "api.2", "worker"]);
        assert_eq!(services(&stack).len(), dependencies(&stack).len() - 1);
    }
}
