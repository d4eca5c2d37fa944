//! `shakedown init`: what a checkout needs and git must not have. What is there already and still good stays.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use harness::{authority, canary::Canary, running::public_host, verdict::exit};
use stack::{EntranceTls, Secret, SecretSource, Stack};

use super::{Failure, repository, shortened};
use crate::{args, machine_authority::MachineAuthority, progress::say};

pub(crate) fn run(init: &args::Init) -> Result<u8, Failure> {
    let repository = repository()?;
    // Compose reads the .env beside its first file, not the one at the top.
    let (example, dotenv) = (repository.join(".env.example"), repository.join("compose/.env"));
    if example.is_file() && !dotenv.exists() {
        fs::copy(&example, &dotenv).map_err(|error| lacking(&dotenv, &error))?;
        say(&format!("made {} from .env.example", shown(&dotenv)));
    }
    let stack = init.definition.definition(&repository).read(&BTreeMap::new())?;
    let tls = stack.options.entrance.as_ref().and_then(|entrance| entrance.tls.as_ref());
    for (name, secret) in &stack.secrets {
        let of_entrance = tls.is_some_and(|tls| [&tls.certificate, &tls.key].contains(&name));
        if let (false, Some(file)) = (of_entrance, file_of(secret)) {
            make_secret(name, file)?;
        }
    }
    if let Some(tls) = tls {
        make_certificate(&stack, tls)?;
    }
    Ok(exit::PASS)
}

fn make_secret(name: &str, file: &Path) -> Result<(), Failure> {
    if fs::metadata(file).is_ok_and(|found| found.len() > 0) {
        return Ok(());
    }
    place(file, Canary::plant(name).reveal()).map_err(|error| lacking(file, &error))?;
    say(&format!("made {}", shown(file)));
    Ok(())
}

/// Makes the certificate that the entrance shows and its key, where there is none that will do.
fn make_certificate(stack: &Stack, tls: &EntranceTls) -> Result<(), Failure> {
    let [Some(certificate), Some(key)] =
        [&tls.certificate, &tls.key].map(|name| file_of(&stack.secrets[name]))
    else {
        // From the environment: whoever sets it sees to it.
        return Ok(());
    };
    let host = public_host(stack).map_err(Failure::usage)?;
    let present = (fs::read_to_string(certificate), fs::read_to_string(key));
    if let (Ok(shown_pem), Ok(_)) = &present
        && !authority::is_of_shakedown(shown_pem)
    {
        say(&format!("{} was not made by Shakedown; it stays as it is", shown(certificate)));
        return Ok(());
    }
    if !(host == "localhost" || host.ends_with(".localhost")) {
        return Err(Failure::usage(format!(
            "PUBLIC_ORIGIN is at `{host}`, and certificates are made here only for `localhost` and names that end in \
             `.localhost`; put the certificate that you have for `{host}`, with its chain, in {}, and its key in {}",
            shown(certificate),
            shown(key)
        )));
    }
    let (machine, made) = MachineAuthority::open_or_make().map_err(Failure::not_up)?;
    if made {
        say(&machine.how_to_trust());
    }
    let why = match present {
        (Ok(certificate_pem), Ok(key_pem)) => match machine.complaint(&certificate_pem, &key_pem, host) {
            None => return Ok(()),
            Some(complaint) => format!(", because of the one before: {complaint}"),
        },
        _ => String::new(),
    };
    let issued = machine.issue(host).map_err(Failure::not_up)?;
    // The key first: a certificate whose key is of before is found not to fit the next time.
    place(key, &issued.key_pem).map_err(|error| lacking(key, &error))?;
    place(certificate, &issued.certificate_pem).map_err(|error| lacking(certificate, &error))?;
    say(&format!("made {} and {} for {host}{why}", shown(certificate), shown(key)));
    Ok(())
}

/// The file that holds a secret.
pub(super) fn file_of(secret: &Secret) -> Option<&Path> {
    match &secret.source {
        SecretSource::File(file) => Some(file),
        SecretSource::Environment(_) => None,
    }
}

/// Puts a secret into its file: readable by every user of a container, in a folder that only its owner may enter.
fn place(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    if !folder.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    write_whole(file, text, 0o444)
}

/// Writes a file in one step, so that nobody ever reads half of it.
pub(crate) fn write_whole(file: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut fresh = file.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    let fresh = PathBuf::from(fresh);
    let mut open = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
    let written = open.write_all(text.as_bytes()).and_then(|()| fs::rename(&fresh, file));
    written.inspect_err(|_| drop(fs::remove_file(&fresh)))
}

fn lacking(file: &Path, error: &io::Error) -> Failure {
    Failure::not_up(format!("{} could not be made: {error}", shown(file)))
}

fn shown(file: &Path) -> String {
    shortened(file).display().to_string()
}
