//! `contract.env.*`: `.env.example`, the definition and the services agree on what can be set.

use std::collections::BTreeSet;

use super::{Check, Finding, contract, none, secret_like, with};
use crate::observation::{Environment, GivenAndRead, Setting};

pub(super) fn checks() -> Vec<Check> {
    vec![
        environment(
            "documented",
            "every variable that the definition takes is explained in .env.example",
            "there, with the same default and a comment above it",
            documented,
        ),
        environment(
            "used",
            "every variable of .env.example is taken by the definition",
            "no line that changes nothing",
            used,
        ),
        environment(
            "read",
            "every setting that the definition gives to a service of ours is read by it",
            "each in the service's own list of settings",
            |seen| {
                of_services(seen, |service, names| {
                    let unread = names.given.difference(&names.read);
                    unread.map(|name| format!("`{service}` is given {name} and never reads it")).collect()
                })
            },
        ),
        environment(
            "offered",
            "every setting that a service of ours reads is given to it by the definition",
            "each in its environment, as NAME or NAME_FILE",
            |seen| {
                of_services(seen, |service, names| {
                    let missing = names.read.iter().filter(|name| !is_given(name, &names.given));
                    missing.map(|name| format!("`{service}` reads {name} and is not given it")).collect()
                })
            },
        ),
        environment("defaults", "no default looks like a real secret", "none does", |seen| {
            let all = [&seen.example, &seen.taken, &seen.by_default].into_iter().flatten();
            let mut complaints: Vec<String> = all
                .filter_map(|setting| {
                    let why = secret_like::why(&setting.name, &setting.default)?;
                    Some(format!("{}: the default of {} {why}", setting.place, setting.name))
                })
                .collect();
            complaints.dedup();
            let looked_at = seen.example.len() + seen.taken.len() + seen.by_default.len();
            if looked_at == 0 {
                Finding::Unknown("no default was seen".into())
            } else {
                none(&complaints, format!("{looked_at} defaults"))
            }
        }),
        environment("tracked", "no file that holds a secret is in git", "none", |seen| match &seen.tracked {
            None => Finding::Skipped("there is no git repository around the definition".into()),
            Some(tracked) => with(tracked, |tracked| {
                let complaints: Vec<String> = tracked
                    .iter()
                    .map(|file| format!("{file} is in git's index; take it out with `git rm --cached`"))
                    .collect();
                none(&complaints, "none")
            }),
        }),
    ]
}

fn environment(
    name: &str,
    claim: &str,
    expected: &str,
    judge: impl Fn(&Environment) -> Finding + Send + Sync + 'static,
) -> Check {
    contract(&format!("env.{name}"), claim, expected, move |seen| with(&seen.environment, &judge))
}

fn documented(seen: &Environment) -> Finding {
    if seen.taken.is_empty() {
        return Finding::Unknown("the definition takes no variable".into());
    }
    let complaint = |taken: &Setting| {
        let Setting { name, default, place, .. } = taken;
        let Some(told) = seen.example.iter().find(|told| told.name == *name) else {
            return Some(format!("{place}: {name} is missing in .env.example"));
        };
        if told.default != *default {
            return Some(format!(
                "{}: {name} is `{}` there and `{default}` in {place}",
                told.place, told.default
            ));
        }
        (!told.explained).then(|| format!("{}: no line above {name} says what it is", told.place))
    };
    let complaints: Vec<String> = seen.taken.iter().filter_map(complaint).collect();
    none(&complaints, format!("all of {} variables", seen.taken.len()))
}

fn used(seen: &Environment) -> Finding {
    if seen.example.is_empty() {
        return Finding::Unknown(".env.example has no variable".into());
    }
    let unused = seen.example.iter().filter(|told| !seen.taken.iter().any(|taken| taken.name == told.name));
    let complaints: Vec<String> =
        unused.map(|told| format!("{}: the definition does not take {}", told.place, told.name)).collect();
    none(&complaints, format!("all of {} variables", seen.example.len()))
}

/// A claim about each service that tells its settings. The others are named.
fn of_services(seen: &Environment, complain: impl Fn(&str, &GivenAndRead) -> Vec<String>) -> Finding {
    let (mut complaints, mut ours, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for (service, names) in &seen.services {
        match names {
            None => others.push(service.as_str()),
            Some(Err(why)) => return Finding::Unknown(why.clone()),
            Some(Ok(names)) => {
                complaints.extend(complain(service, names));
                ours.push(service.as_str());
            }
        }
    }
    if ours.is_empty() {
        return Finding::Unknown("no service told its settings".into());
    }
    let told = |names: &[&str]| if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    none(&complaints, format!("{}; not ours, and not asked: {}", told(&ours), told(&others)))
}

/// Of a secret, one spelling is enough.
fn is_given(name: &str, given: &BTreeSet<String>) -> bool {
    given.contains(name)
        || given.contains(&format!("{name}_FILE"))
        || name.strip_suffix("_FILE").is_some_and(|direct| given.contains(direct))
}
