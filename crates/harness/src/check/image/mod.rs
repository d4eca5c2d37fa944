//! `image.*`: what is in the container images, and whether the definition starts what is there. Read from the archives, so
//! nothing needs to run.

mod closure;
mod definition;
mod files;
mod started;

use stack::Stack;

use super::{Check, Finding, Subject};
use crate::observation::{ContainerImages, Entry, ImageArchive};

/// So many things that break a rule are told of; more would hide the first.
const NAMED: usize = 3;

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    let mut all = definition::checks(stack);
    all.extend(started::checks(stack));
    all.extend(files::checks());
    all.extend(closure::checks());
    all
}

/// What breaks a rule, and what was looked at.
struct Ruled {
    wrong: Vec<String>,
    looked_at: String,
}

/// A check of all images together. An image that could not be read is unknown, unless another breaks the rule already.
fn of(
    name: &str,
    claim: &str,
    expected: &str,
    rule: impl Fn(&ContainerImages) -> Ruled + Send + Sync + 'static,
) -> Check {
    Check::new(format!("image.{name}"), Subject::Images, claim, expected, move |seen| {
        let images = match &seen.images.seen {
            Ok(images) => images,
            Err(why) => return Finding::Unknown(why.clone()),
        };
        let Ruled { wrong, looked_at } = rule(images);
        let unread = images.archives.iter().find_map(|(name, read)| Some((name, read.as_ref().err()?)));
        let strange = images.of_services.iter().find_map(|(name, of)| Some((name, of.as_ref().err()?)));
        if !wrong.is_empty() {
            return Finding::Fail(first(wrong), None);
        }
        match unread.or(strange) {
            Some((name, why)) => Finding::Unknown(format!("{name}: {why}")),
            None if images.archives.is_empty() => Finding::Unknown("there is no image".into()),
            None => Finding::Pass(looked_at),
        }
    })
}

/// A check of each image by itself.
fn of_each(
    name: &str,
    claim: &str,
    expected: &str,
    rule: impl Fn(&str, &ImageArchive) -> Vec<String> + Send + Sync + 'static,
) -> Check {
    of(name, claim, expected, move |images| {
        let mut wrong = Vec::new();
        for (name, image) in read(images) {
            wrong.extend(rule(name, image).into_iter().map(|why| format!("{name}: {why}")));
        }
        Ruled { wrong, looked_at: in_all(images) }
    })
}

/// A check of every entry of every image by itself.
fn of_each_entry(
    name: &str,
    claim: &str,
    expected: &str,
    rule: impl Fn(&Entry) -> Option<String> + Send + Sync + 'static,
) -> Check {
    of_each(name, claim, expected, move |_, image| image.entries.iter().filter_map(&rule).collect())
}

/// Every image that was read, with its name.
fn read(images: &ContainerImages) -> impl Iterator<Item = (&str, &ImageArchive)> {
    images.archives.iter().filter_map(|(name, image)| Some((name.as_str(), image.as_ref().ok()?)))
}

fn in_all(images: &ContainerImages) -> String {
    let entries: usize = read(images).map(|(_, image)| image.entries.len()).sum();
    format!("{entries} entries of {} images", images.archives.len())
}

fn first(wrong: Vec<String>) -> String {
    let more = wrong.len().saturating_sub(NAMED);
    let told = wrong.into_iter().take(NAMED).collect::<Vec<_>>().join("; ");
    if more > 0 { format!("{told}; and {more} more") } else { told }
}
