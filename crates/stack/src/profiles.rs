//! Which services are in, by their profiles; and which volumes, networks and secrets then still matter.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{MountSource, Readiness, Stack};

/// Services that were left out, with the profiles that would enable them.
pub(crate) type LeftOut = BTreeMap<String, Vec<String>>;

/// Leaves out services of profiles that are not enabled.
pub(crate) fn select(stack: &mut Stack, profiles: &[String]) -> LeftOut {
    let mut left_out = LeftOut::new();
    stack.services.retain(|name, service| {
        let enabled = service.profiles.is_empty()
            || profiles.iter().any(|profile| profile == "*" || service.profiles.contains(profile));
        if !enabled {
            left_out.insert(name.clone(), service.profiles.clone());
        }
        enabled
    });
    left_out
}

/// Leaves out what no service uses, as Compose does, and dependencies that may be missing and are.
pub(crate) fn prune(stack: &mut Stack) {
    let names: BTreeSet<String> = stack.services.keys().cloned().collect();
    let (mut volumes, mut networks, mut secrets) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for service in stack.services.values_mut() {
        service.depends_on.retain(|name, dependency| dependency.required || names.contains(name));
        networks.extend(service.networks.keys().cloned());
        secrets.extend(service.secrets.iter().map(|mount| mount.secret.clone()));
        volumes.extend(service.mounts.iter().filter_map(|mount| match &mount.source {
            MountSource::Volume(name) => Some(name.clone()),
            MountSource::Bind(_) => None,
        }));
        match &service.ready {
            Some(Readiness::Postgres { password_secret, .. }) => secrets.extend([password_secret.clone()]),
            Some(Readiness::Redis { password_secret, .. }) => secrets.extend(password_secret.clone()),
            Some(Readiness::Http { .. }) | None => {}
        }
    }
    if let Some(tls) = stack.options.entrance.as_ref().and_then(|entrance| entrance.tls.as_ref()) {
        secrets.extend([tls.certificate.clone(), tls.key.clone()]);
    }
    if networks.contains("default") {
        stack.networks.entry("default".to_owned()).or_default();
    }
    stack.volumes.retain(|name, _| volumes.contains(name));
    stack.networks.retain(|name, _| networks.contains(name));
    stack.secrets.retain(|name, _| secrets.contains(name));
}
