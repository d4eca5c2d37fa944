//! Who depends on what, as the definition says: what outages take away, who comes late, and who is to notice.

use stack::{Kind, MountSource, Readiness, Stack};

use crate::runner::instances;

/// The path at which a service says what it thinks of its dependencies, one by one.
const READY: &str = "/ready";
/// What a service calls the folder of the image store, in `/ready`.
pub const IMAGE_STORE: &str = "image_store";

/// Something that can be away, and the services that say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// What `/ready` calls it: a service of the definition, or [`IMAGE_STORE`].
    pub name: String,
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
    let names = stack.services.keys().map(String::as_str).chain([IMAGE_STORE]);
    let all = names.map(|name| {
        let witnesses = witnesses(stack).into_iter().filter(|witness| of(stack, witness).contains(&name));
        Dependency { name: name.to_owned(), witnesses: witnesses.map(str::to_owned).collect() }
    });
    all.filter(|dependency| !dependency.witnesses.is_empty()).collect()
}

/// The dependencies that are services: those that can come late.
pub fn services(stack: &Stack) -> Vec<Dependency> {
    let all = dependencies(stack).into_iter();
    all.filter(|dependency| stack.services.contains_key(&dependency.name)).collect()
}

/// What one service depends on: the daemons that it waits for, those that a oneshot had to wait for before it, and the
/// image store where it has that.
pub fn of<'s>(stack: &'s Stack, service: &str) -> Vec<&'s str> {
    let mut found = daemons(stack, service);
    let keeps_images = stack.services.get(service).is_some_and(|service| image_volume(service).is_some());
    found.extend(keeps_images.then_some(IMAGE_STORE));
    found
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

    use super::*;

    fn definition() -> Stack {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/compose.yaml");
        stack::read(&[file], &|_| None, &[]).unwrap()
    }

    #[test]
    fn the_definition_says_who_depends_on_what() {
        let stack = definition();
        let shown: Vec<(String, String)> = dependencies(&stack)
            .into_iter()
            .map(|dependency| (dependency.name, dependency.witnesses.join(" ")))
            .collect();
        let expected = [
            ("postgres", "api worker"),
            ("redis", "api worker"),
            ("api", "web"),
            ("image_store", "api worker"),
        ];
        assert_eq!(shown, expected.map(|(name, witnesses)| (name.to_owned(), witnesses.to_owned())));
    }

    #[test]
    fn every_instance_of_a_witness_is_asked() {
        let stack = definition();
        let redis = dependencies(&stack).into_iter().find(|dependency| dependency.name == "redis").unwrap();
        assert_eq!(redis.instances(&stack), ["api", "api.2", "worker"]);
        assert_eq!(services(&stack).len(), dependencies(&stack).len() - 1);
    }
}
