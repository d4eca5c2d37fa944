//! What must hold between the parts of a stack: names are defined, dependencies can be met and go in no circle.

use crate::{
    model::{Condition, Kind, Service, Stack},
    near::closest,
    profiles::LeftOut,
    reading::{Reading, Reference, Target},
};

/// Records everything that does not hold.
pub(crate) fn stack(reading: &mut Reading<'_>, stack: &Stack, left_out: &LeftOut) {
    let references = reading.take_references();
    for reference in &references {
        // What is said about a service that was left out matters to nobody.
        if reference.from.as_ref().is_none_or(|from| stack.services.contains_key(from))
            && let Some(message) = wrong(stack, left_out, reference)
        {
            reading.problem(reference.place, message);
        }
    }
    if let Some(circle) = circle(stack) {
        let last = circle.len() - 1;
        let closing = references.iter().find(|reference| {
            reference.to == Target::Dependency
                && reference.from.as_deref() == Some(circle[last - 1])
                && reference.name == circle[last]
        });
        let path: Vec<String> = circle.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("`depends_on` goes in a circle: {}; take one of them out", path.join(" -> "));
        match closing {
            Some(reference) => reading.problem(reference.place, message),
            None => reading.problem_without_place(message),
        }
    }
}

/// What is wrong with a reference, if anything.
fn wrong(stack: &Stack, left_out: &LeftOut, reference: &Reference) -> Option<String> {
    let name = reference.name.as_str();
    let from = reference.from.as_deref().unwrap_or_default();
    let undefined = |what: &str, section: &str, known: &mut dyn Iterator<Item = &String>| {
        let advice = match closest(name, known.map(String::as_str)) {
            Some(likely) => format!("did you mean `{likely}`?"),
            None => format!("define it under `{section}`"),
        };
        Some(format!("{what} `{name}`, which is not defined; {advice}"))
    };
    let what = |verb: &str| format!("service `{from}` {verb}");
    match &reference.to {
        Target::Volume if stack.volumes.contains_key(name) => None,
        Target::Volume => undefined(&what("mounts volume"), "volumes", &mut stack.volumes.keys()),
        Target::Network if name == "default" || stack.networks.contains_key(name) => None,
        Target::Network => undefined(&what("is on network"), "networks", &mut stack.networks.keys()),
        Target::Secret | Target::EntranceTls if stack.secrets.contains_key(name) => None,
        Target::Secret => undefined(&what("uses secret"), "secrets", &mut stack.secrets.keys()),
        Target::EntranceTls => {
            undefined("the entrance proves itself with secret", "secrets", &mut stack.secrets.keys())
        }
        Target::Dependency => {
            if let Some(service) = stack.services.get(name) {
                unmet(stack, from, name, service)
            } else {
                let required = stack.services.get(from)?.depends_on.get(name)?.required;
                match left_out.get(name) {
                    _ if !required => None,
                    Some(profiles) => Some(format!(
                        "service `{from}` depends on `{name}`, whose profile is not enabled; enable profile \
                     `{}`, or say `required: false`",
                        profiles.join("` or `")
                    )),
                    None => undefined(&what("depends on"), "services", &mut stack.services.keys()),
                }
            }
        }
        Target::Entrance if stack.services.contains_key(name) => None,
        Target::Entrance if left_out.contains_key(name) => {
            Some(format!("the entrance is service `{name}`, whose profile is not enabled"))
        }
        Target::Entrance => undefined("the entrance is service", "services", &mut stack.services.keys()),
        Target::Planted(_) if left_out.contains_key(name) => None,
        Target::Planted(variable) => match stack.services.get(name) {
            Some(service) if service.environment.contains_key(variable) => None,
            Some(_) => Some(format!(
                "`planted_environment` names variable {variable} of service `{name}`, which its `environment` does \
                 not set; give it a value there that the gate can replace"
            )),
            None => undefined("`planted_environment` names service", "services", &mut stack.services.keys()),
        },
    }
}

/// Whether a dependency waits for what can never happen.
fn unmet(stack: &Stack, from: &str, name: &str, service: &Service) -> Option<String> {
    let checked = service.healthcheck.as_ref().is_some_and(|check| !check.test.is_empty());
    match stack.services.get(from)?.depends_on.get(name)?.condition {
        Condition::ServiceCompletedSuccessfully if service.kind == Kind::Daemon => Some(format!(
            "service `{from}` waits until `{name}` completes, but `{name}` is a daemon and never does; say \
             `x-shakedown: {{ kind: oneshot }}` there, or wait for `service_healthy`"
        )),
        Condition::ServiceHealthy if service.ready.is_none() && !checked => Some(format!(
            "service `{from}` waits until `{name}` is healthy, but nothing tells when it is; give `{name}` a \
             `healthcheck`, or `x-shakedown: {{ ready: … }}`"
        )),
        _ => None,
    }
}

/// A circle of dependencies, the first name again at the end.
fn circle(stack: &Stack) -> Option<Vec<&str>> {
    let mut done: Vec<&str> = Vec::new();
    for start in stack.services.keys() {
        // The path from the start, each with the dependencies that are still to be looked at.
        let mut path: Vec<(&str, Vec<&str>)> = vec![(start, dependencies(stack, start))];
        while let Some((name, open)) = path.last_mut() {
            let name = *name;
            let Some(next) = open.pop() else {
                done.push(name);
                path.pop();
                continue;
            };
            if let Some(index) = path.iter().position(|(name, _)| *name == next) {
                return Some(path[index..].iter().map(|(name, _)| *name).chain([next]).collect());
            }
            if !done.contains(&next) {
                path.push((next, dependencies(stack, next)));
            }
        }
    }
    None
}

/// The names in reverse, so that they are taken in order from the end.
fn dependencies<'s>(stack: &'s Stack, name: &str) -> Vec<&'s str> {
    let service = stack.services.get(name);
    service.into_iter().flat_map(|service| service.depends_on.keys().rev().map(String::as_str)).collect()
}
