//! `shakedown doctor`: what this machine has and lacks, and what to do about it.

use std::{collections::BTreeMap, net::TcpListener, path::Path, process::Command};

use harness::{authority, engine::Engine, images::Images, platform::Platform, reaper, verdict::exit};
use stack::{SecretSource, Stack};

use super::{Failure, init::file_of, repository};
use crate::{args, progress::say};

/// What is found of one thing.
enum Found {
    Fine(String),
    Lacking(String),
    Worth(String),
}

pub(crate) async fn run(doctor: &args::Doctor) -> Result<u8, Failure> {
    let repository = repository()?;
    let stack = doctor.definition.definition(&repository).read(&BTreeMap::new())?;
    let mut all = vec![("definition", Found::Fine(format!("{} services", stack.services.len())))];
    all.push(("nix", nix(&repository)));
    let engine = Engine::connect().await;
    all.push((
        "engine",
        match &engine {
            Ok(engine) => Found::Fine(format!("Docker {} for {}", engine.version, engine.architecture)),
            Err(error) => Found::Worth(format!("{error}. `--runner processes` needs none")),
        },
    ));
    let platform = engine.map_or(Platform::Machine, Platform::Engine);
    if let Ok(runs) = reaper::runs(&platform).await
        && !runs.is_empty()
    {
        let ids: Vec<String> = runs.iter().map(|run| run.id.to_string()).collect();
        all.push((
            "runs",
            Found::Worth(format!("up: {}; `shakedown down --run RUN` ends one", ids.join(", "))),
        ));
    }
    all.push(("images", images(&doctor.images.folder(&repository), &repository)));
    all.push(("secrets", secrets(&stack)));
    all.extend(certificate(&stack).map(|found| ("certificate", found)));
    all.extend(ports(&stack).into_iter().map(|found| ("port", found)));

    let mut lacking = false;
    for (thing, found) in all {
        let (mark, text) = match found {
            Found::Fine(text) => ("fine   ", text),
            Found::Worth(text) => ("note   ", text),
            Found::Lacking(text) => {
                lacking = true;
                ("LACKING", text)
            }
        };
        say(&format!("{mark} {thing:<11} {text}"));
    }
    Ok(if lacking { exit::NOT_UP } else { exit::PASS })
}

/// Whether Nix can build here. `scripts/nix` asks the same before each command.
fn nix(repository: &Path) -> Found {
    let asked = Command::new("bash").arg(repository.join("scripts/nix-ready")).output();
    match asked {
        Ok(output) if output.status.success() => {
            // `packages: SOURCE (REASON)`
            Found::Fine(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().last().unwrap_or("scripts/nix-ready failed and said nothing");
            Found::Lacking(last.strip_prefix("nix: ").unwrap_or(last).to_owned())
        }
        Err(error) => Found::Lacking(format!("scripts/nix-ready could not be run by bash: {error}")),
    }
}

fn images(folder: &Path, repository: &Path) -> Found {
    let opened = Images::open(folder).and_then(|images| images.refuse_stale(repository).map(|()| images));
    match opened {
        Ok(images) => {
            let source = &images.manifest.package_source.name;
            Found::Fine(format!("{} container images, packages from {source}", images.manifest.images.len()))
        }
        Err(error) => Found::Lacking(error.to_string()),
    }
}

fn secrets(stack: &Stack) -> Found {
    let missing: Vec<&str> = stack
        .secrets
        .iter()
        .filter(|(_, secret)| matches!(&secret.source, SecretSource::File(file) if !file.is_file()))
        .map(|(name, _)| name.as_str())
        .collect();
    if missing.is_empty() {
        Found::Fine(format!("{} files", stack.secrets.len()))
    } else {
        Found::Worth(format!(
            "not made yet: {}; `make init` makes them (`make dev` needs them)",
            missing.join(", ")
        ))
    }
}

/// What the entrance will show to people.
fn certificate(stack: &Stack) -> Option<Found> {
    let tls = stack.options.entrance.as_ref()?.tls.as_ref()?;
    let text = |name: &str| std::fs::read_to_string(file_of(&stack.secrets[name])?).ok();
    let (certificate, key) = (text(&tls.certificate)?, text(&tls.key)?);
    let end = match authority::end_of(&certificate) {
        Ok(end) => end.date(),
        Err(error) => return Some(Found::Lacking(format!("{error}; remove it and run `make init`"))),
    };
    Some(if end <= time::OffsetDateTime::now_utc().date() {
        Found::Worth(format!("ended on {end}; `make init` makes another (`make dev` needs it)"))
    } else if authority::belong_together(&certificate, &key) {
        Found::Fine(format!("until {end}"))
    } else {
        Found::Worth("the key is not that of the certificate; `make init` makes both anew".into())
    })
}

/// The host ports that `make dev` will want.
fn ports(stack: &Stack) -> Vec<Found> {
    let published = stack.services.values().flat_map(|service| &service.ports);
    published
        .filter_map(|port| {
            let host_port = port.host_port?;
            let address = port.host_address.as_deref().unwrap_or("0.0.0.0");
            Some(match TcpListener::bind((address, host_port)) {
                Ok(_) => Found::Fine(format!("{host_port} is free")),
                Err(error) => {
                    Found::Worth(format!("{host_port} ({}): {error}; `make dev` wants it", port.at))
                }
            })
        })
        .collect()
}
