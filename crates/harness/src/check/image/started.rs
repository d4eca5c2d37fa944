//! What the definition starts: whether it is there, can be started, and needs a shell.

use indexmap::IndexMap;
use stack::{Service, Stack};

use super::{Check, ContainerImages, ImageArchive, Ruled, of, of_each};
use crate::observation::{Entry, EntryKind, Program};

/// An interpreter may be a script itself; Linux goes on four times.
const INTERPRETERS: u8 = 4;
/// Programs that run whatever they are told.
const SHELLS: [&str; 12] =
    ["sh", "ash", "bash", "dash", "zsh", "ksh", "mksh", "csh", "tcsh", "fish", "busybox", "toybox"];
/// Programs that bring in others.
const PACKAGE_MANAGERS: [&str; 20] = [
    "apk",
    "apt",
    "apt-get",
    "aptitude",
    "dpkg",
    "rpm",
    "dnf",
    "microdnf",
    "yum",
    "zypper",
    "pacman",
    "opkg",
    "nix",
    "nix-env",
    "nix-store",
    "pip",
    "pip3",
    "npm",
    "gem",
    "cargo",
];

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    let services = stack.services.clone();
    vec![
        of(
            "entrypoint",
            "what the definition starts, health checks included, is in the image and can be started there",
            "an executable file: ELF whose loader is in the image, or a script whose interpreter is",
            move |images| entrypoints(images, &services),
        ),
        of_each(
            "shell",
            "an image has a shell only where what it starts is a script or a shell, and a package manager nowhere",
            "no program called sh, bash, busybox, apk, apt, nix and so on",
            |_, image| shells(image),
        ),
    ]
}

fn entrypoints(images: &ContainerImages, services: &IndexMap<String, Service>) -> Ruled {
    let mut wrong = Vec::new();
    let mut looked_at = Vec::new();
    for (name, service) in services {
        let Ok((_, image)) = images.of_service(name) else { continue };
        let words = [main_of(service, image), health_of(service)];
        if words[0].is_none() {
            wrong.push(format!("`{name}`: neither the definition nor the image says what to start"));
        }
        for word in words.into_iter().flatten() {
            match startable(image, service, word) {
                Ok(what) => looked_at.push(format!("{word} ({what})")),
                Err(why) => wrong.push(format!("`{name}` starts {word}: {why}")),
            }
        }
    }
    looked_at.sort();
    looked_at.dedup();
    Ruled { wrong, looked_at: looked_at.join(", ") }
}

/// The first word of what is started. A service's own entrypoint leaves nothing of the image's.
fn main_of<'a>(service: &'a Service, image: &'a ImageArchive) -> Option<&'a str> {
    let own = service.entrypoint.as_ref();
    let entrypoint = own.unwrap_or(&image.entrypoint);
    let command = service.command.as_ref().or_else(|| own.is_none().then_some(&image.command));
    entrypoint.iter().chain(command.into_iter().flatten()).next().map(String::as_str)
}

/// The program of the health check.
fn health_of(service: &Service) -> Option<&str> {
    match service.healthcheck.as_ref()?.test.as_slice() {
        [kind, ..] if kind == "CMD-SHELL" => Some("/bin/sh"),
        [kind, program, ..] if kind == "CMD" => Some(program),
        _ => None,
    }
}

/// What a program is, in a word, where it can be started in the image.
fn startable(image: &ImageArchive, service: &Service, word: &str) -> Result<&'static str, String> {
    let entry = if word.contains('/') {
        image.follow(word)?
    } else {
        let path = service.environment.get("PATH").map(String::as_str).or_else(|| image.variable("PATH"));
        let path = path.ok_or("it is looked for in PATH, and there is none")?;
        let found = path.split(':').find_map(|folder| image.follow(&format!("{folder}/{word}")).ok());
        found.ok_or_else(|| format!("the image has none in PATH ({path})"))?
    };
    can_start(image, entry, INTERPRETERS)
}

fn can_start(image: &ImageArchive, entry: &Entry, deeper: u8) -> Result<&'static str, String> {
    let path = &entry.path;
    if entry.kind != EntryKind::File || entry.mode & 0o001 == 0 {
        return Err(format!("{path} is no file that everybody may start (mode {:o})", entry.mode));
    }
    match &entry.program {
        Some(Program::Elf { loader: None, .. }) => Ok("ELF"),
        Some(Program::Elf { loader: Some(loader), .. }) => match image.follow(loader) {
            Ok(_) => Ok("ELF"),
            Err(why) => Err(format!("{path} asks for a loader: {why}")),
        },
        Some(Program::Script { interpreter }) => {
            let found =
                image.follow(interpreter).map_err(|why| format!("{path} asks for an interpreter: {why}"))?;
            let deeper = deeper
                .checked_sub(1)
                .ok_or_else(|| format!("{path} is interpreted by scripts without end"))?;
            can_start(image, found, deeper).map(|_| "script")
        }
        None => Err(format!("{path} is neither ELF nor a script with an interpreter")),
    }
}

/// Every shell and package manager that the image has without need.
fn shells(image: &ImageArchive) -> Vec<String> {
    let started =
        image.entrypoint.iter().chain(&image.command).next().and_then(|word| image.follow(word).ok());
    let is_shell = |entry: &Entry| SHELLS.contains(&entry.name());
    let is_script = |entry: &Entry| matches!(entry.program, Some(Program::Script { .. }));
    let needed = started.is_some_and(|started| is_script(started) || is_shell(started));
    let can_be_started = |entry: &&Entry| match entry.kind {
        EntryKind::File => entry.mode & 0o111 != 0,
        EntryKind::Link(_) => true,
        EntryKind::Folder | EntryKind::Other => false,
    };
    let unneeded = |entry: &&Entry| !needed && is_shell(entry) || PACKAGE_MANAGERS.contains(&entry.name());
    let found = image.entries.iter().filter(can_be_started).filter(unneeded);
    found.map(|entry| format!("it has {}", entry.path)).collect()
}
