//! Reads what an archive of a container image holds: headers by seeking, and of contents no more than is searched.

use std::{collections::BTreeMap, fs::File, io, os::unix::fs::FileExt, path::Path};

use serde::Deserialize;
use stack::Stack;
use tar::{Archive, EntryType};

use super::{Images, bill, program};
use crate::observation::{ContainerImages, Entry, EntryKind, ImageArchive};

/// A file that a layer takes away is named like this.
const TAKEN_AWAY: &str = ".wh.";

/// `manifest.json` of a docker-archive: one image.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Contents {
    config: String,
    layers: Vec<String>,
}

/// The configuration of an image, as far as a check looks at it.
#[derive(Deserialize)]
struct Configuration {
    architecture: String,
    created: Option<String>,
    #[serde(default)]
    history: Vec<Step>,
    config: Started,
}

#[derive(Deserialize)]
struct Step {
    created: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Started {
    user: String,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
    volumes: Option<BTreeMap<String, serde_json::Value>>,
}

impl Images {
    /// What is in every archive, and which of them the services of a stack are made of. `machine` is the architecture of the
    /// programs that run here.
    pub async fn contents(&self, stack: &Stack, machine: &str) -> ContainerImages {
        let reading = self.manifest.images.iter().map(|image| {
            let (name, archive) = (image.name.clone(), self.folder.join(&image.archive));
            async {
                let read = tokio::task::spawn_blocking(move || read(&archive)).await;
                (name, read.unwrap_or_else(|error| Err(error.to_string())))
            }
        });
        let of = |image: &str| {
            let found = self.by_reference(image).map(|image| image.name.clone());
            found.ok_or_else(|| {
                format!(
                    "{image} is none of the images in {}, so there is no archive of it",
                    self.folder.display()
                )
            })
        };
        let bill = |name: &str| bill::read(&self.folder.join("sbom").join(format!("{name}.cdx.json")));
        let images = self.manifest.images.iter();
        let bills = images.map(|image| (image.name.clone(), bill(&image.name))).collect();
        let services = stack.services.iter();
        ContainerImages {
            machine: machine.into(),
            bills,
            archives: futures::future::join_all(reading).await.into_iter().collect(),
            of_services: services.map(|(name, service)| (name.clone(), of(&service.image))).collect(),
        }
    }
}

/// Reads an archive. An error says which part of it was tried and what was found.
pub(super) fn read(path: &Path) -> Result<ImageArchive, String> {
    let told = |error: io::Error| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(told)?;
    let length = file.metadata().map_err(told)?.len();
    let whole = Part { file: &file, start: 0, length, at: 0 };
    let mut parts = BTreeMap::new();
    for entry in Archive::new(whole).entries_with_seek().map_err(told)? {
        let entry = entry.map_err(told)?;
        let name = entry.path().map_err(told)?.to_string_lossy().into_owned();
        parts.insert(name, whole.part(entry.raw_file_position(), entry.size()));
    }
    let part = |name: &str| {
        parts.get(name).copied().ok_or_else(|| format!("{}: there is no {name} in it", path.display()))
    };
    let [Contents { config, layers }] = json::<[Contents; 1]>(part("manifest.json")?, path, "manifest.json")?;
    let read: Configuration = json(part(&config)?, path, &config)?;
    let mut entries = Vec::new();
    let mut size_bytes = 0;
    for layer in &layers {
        let layer = part(layer)?;
        size_bytes += layer.length;
        let read = entries_of(layer).map_err(told)?;
        entries.extend(read);
    }
    let Configuration { architecture, created, history, config } = read;
    let dates = std::iter::once(created).chain(history.into_iter().map(|step| step.created));
    Ok(ImageArchive {
        architecture,
        created: dates.map(|date| date.unwrap_or_else(|| "none".into())).collect(),
        user: config.user,
        entrypoint: config.entrypoint.unwrap_or_default(),
        command: config.cmd.unwrap_or_default(),
        environment: config.env.unwrap_or_default(),
        ports: config.exposed_ports.unwrap_or_default().into_keys().collect(),
        volumes: config.volumes.unwrap_or_default().into_keys().collect(),
        size_bytes,
        entries,
    })
}

fn json<T: for<'de> Deserialize<'de>>(part: Part<'_>, archive: &Path, name: &str) -> Result<T, String> {
    let read = serde_json::from_reader(io::BufReader::new(part));
    read.map_err(|error| format!("{}: {name}: {error}", archive.display()))
}

fn entries_of(layer: Part<'_>) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in Archive::new(layer).entries_with_seek()? {
        let entry = entry?;
        let header = entry.header();
        let named = entry.path()?.to_string_lossy().into_owned();
        let inside = named.trim_start_matches("./").trim_matches('/');
        let mut read = Entry {
            path: format!("/{inside}"),
            kind: kind(&entry)?,
            mode: header.mode()?,
            uid: header.uid()?,
            gid: header.gid()?,
            size_bytes: entry.size(),
            modified: header.mtime()?,
            program: None,
            of_its_build: Vec::new(),
        };
        if read.kind == EntryKind::File {
            let content = layer.part(entry.raw_file_position(), entry.size());
            read.program = program::of(content)?;
            // Ours are copied to where they are started; whatever is linked to from there was packaged by others.
            if program::is_elf(read.program.as_ref()) && read.store_path().is_none() {
                read.of_its_build = program::of_its_build(content)?;
            }
        }
        entries.push(read);
    }
    Ok(entries)
}

fn kind(entry: &tar::Entry<'_, impl io::Read>) -> io::Result<EntryKind> {
    let taken_away =
        entry.path()?.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TAKEN_AWAY));
    Ok(match entry.header().entry_type() {
        _ if taken_away => EntryKind::Other,
        EntryType::Regular => EntryKind::File,
        EntryType::Directory => EntryKind::Folder,
        EntryType::Symlink => {
            let target = entry.link_name()?;
            EntryKind::Link(target.map(|target| target.to_string_lossy().into_owned()).unwrap_or_default())
        }
        _ => EntryKind::Other,
    })
}

/// A part of a file, read as if it were one.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    file: &'a File,
    start: u64,
    length: u64,
    at: u64,
}

impl Part<'_> {
    /// A part of this part.
    fn part(self, start: u64, length: u64) -> Self {
        Self { file: self.file, start: self.start + start, length, at: 0 }
    }

    /// At most so many of its bytes from an offset on.
    pub(super) fn bytes(self, offset: u64, most: u64) -> io::Result<Vec<u8>> {
        let wanted = most.min(self.length.saturating_sub(offset));
        let mut bytes = vec![0; usize::try_from(wanted).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, self.start + offset)?;
        Ok(bytes)
    }

    /// All of its bytes.
    pub(super) fn all(self) -> io::Result<Vec<u8>> {
        self.bytes(0, self.length)
    }
}

impl io::Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..most], self.start + self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl io::Seek for Part<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let at = match to {
            io::SeekFrom::Start(at) => Some(at),
            io::SeekFrom::Current(by) => self.at.checked_add_signed(by),
            io::SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::other("a seek to before the beginning"))?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use tar::{Builder, Header};

    use super::*;
    use crate::observation::Program;

    const CONFIGURATION: &str = r#"{ "architecture": "amd64", "created": "then", "history": [{}, { "created": "later" }],
        "config": { "User": "10001:10001", "Entrypoint": ["/bin/a"], "ExposedPorts": { "80/tcp": {} } } }"#;

    fn header(kind: EntryType, mode: u32, length: usize) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(length as u64);
        header.set_mtime(7);
        header.set_uid(10_001);
        header.set_gid(10_020);
        header
    }

    fn file(builder: &mut Builder<Vec<u8>>, path: &str, mode: u32, content: &[u8]) {
        let mut header = header(EntryType::Regular, mode, content.len());
        builder.append_data(&mut header, path, content).unwrap();
    }

    fn archive(parts: &[(&str, &[u8])]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        let mut builder = Builder::new(Vec::new());
        for (name, content) in parts {
            file(&mut builder, name, 0o444, content);
        }
        std::fs::write(&path, builder.into_inner().unwrap()).unwrap();
        (folder, path)
    }

    #[test]
    fn an_archive_tells_its_configuration_and_the_headers_of_every_layer() {
        let long = format!("nix/store/{}/share", "x".repeat(120));
        let mut lower = Builder::new(Vec::new());
        let mut folder = header(EntryType::Directory, 0o2770, 0);
        lower.append_data(&mut folder, "./var/", io::empty()).unwrap();
        file(&mut lower, "./bin/a", 0o4755, b"\x7fELF\x02\x01 with /home/jo/a.rs in it");
        file(&mut lower, &long, 0o444, b"#!/bin/sh -e\nexit\n");
        let lower = lower.into_inner().unwrap();
        let mut upper = Builder::new(Vec::new());
        let mut link = header(EntryType::Symlink, 0o777, 0);
        upper.append_link(&mut link, "bin/b", "a").unwrap();
        file(&mut upper, "var/.wh.gone", 0o444, b"");
        let upper = upper.into_inner().unwrap();
        let manifest = br#"[{ "Config": "c.json", "Layers": ["1/layer.tar", "2/layer.tar"] }]"#;
        let parts: [(&str, &[u8]); 4] = [
            ("1/layer.tar", &lower),
            ("2/layer.tar", &upper),
            ("c.json", CONFIGURATION.as_bytes()),
            ("manifest.json", manifest),
        ];
        let (_kept, path) = archive(&parts);

        let image = read(&path).unwrap();
        assert_eq!((image.user.as_str(), image.architecture.as_str()), ("10001:10001", "amd64"));
        assert_eq!(image.created, ["then", "none", "later"]);
        assert_eq!(image.ports.iter().collect::<Vec<_>>(), ["80/tcp"]);
        assert_eq!(image.size_bytes, (lower.len() + upper.len()) as u64);
        let found = image.at("/var").unwrap();
        assert_eq!(
            (&found.kind, found.mode, found.uid, found.gid),
            (&EntryKind::Folder, 0o2770, 10_001, 10_020)
        );
        let found = image.follow("/bin/b").unwrap();
        assert_eq!((found.path.as_str(), found.mode, found.modified), ("/bin/a", 0o4755, 7));
        assert_eq!(found.of_its_build, ["/home/jo/a.rs in it"]);
        let script = image.at(&format!("/{long}")).unwrap();
        assert_eq!(script.program, Some(Program::Script { interpreter: "/bin/sh".into() }));
        assert_eq!(image.at("/var/.wh.gone").unwrap().kind, EntryKind::Other);
    }

    #[test]
    fn an_archive_without_one_of_its_parts_says_which() {
        let (_kept, path) = archive(&[("manifest.json", br#"[{ "Config": "c.json", "Layers": [] }]"#)]);
        assert!(read(&path).unwrap_err().ends_with("a.tar: there is no c.json in it"));
        let (_kept, path) = archive(&[]);
        assert!(read(&path).unwrap_err().ends_with("there is no manifest.json in it"));
    }

    #[test]
    fn what_is_no_archive_or_cut_short_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        assert!(read(&path).unwrap_err().contains("a.tar: No such file"));
        std::fs::write(&path, [b'x'; 2000]).unwrap();
        assert!(read(&path).unwrap_err().contains("a.tar: "));
    }
}
