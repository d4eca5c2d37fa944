//! What is in the archives of the container images, and which service is made of which.

use std::collections::{BTreeMap, BTreeSet};

use super::Seen;

/// So many links in a row are followed before they count as a circle; Linux follows 40.
const LINKS_FOLLOWED: usize = 40;

/// The container images of a stack, as their archives show them.
#[derive(Clone, Debug, Default)]
pub struct ContainerImages {
    /// What the machine, or its engine, runs: `amd64`, `arm64`.
    pub machine: String,
    /// Every image of the folder by its short name, or why its archive could not be read.
    pub archives: BTreeMap<String, Seen<ImageArchive>>,
    /// The bill of materials of each, or why it could not be read.
    pub bills: BTreeMap<String, Seen<BillOfMaterials>>,
    /// The short name of each service's image, or why that is none of them.
    pub of_services: BTreeMap<String, Seen<String>>,
}

impl ContainerImages {
    /// The name and the archive of a service's image.
    pub fn of_service(&self, service: &str) -> Seen<(&str, &ImageArchive)> {
        let name = self.of_services.get(service).ok_or_else(|| format!("`{service}` was not looked at"))?;
        let name = name.as_ref().map_err(Clone::clone)?;
        let archive = self.archives.get(name).ok_or_else(|| format!("image {name} was not read"))?;
        Ok((name, archive.as_ref().map_err(Clone::clone)?))
    }
}

/// What an image says that it is made of.
#[derive(Clone, Debug, Default)]
pub struct BillOfMaterials {
    /// Store paths whose components it names.
    pub store_paths: BTreeSet<String>,
    /// The crates of ours among its components.
    pub applications: BTreeSet<String>,
}

/// One archive: the image's configuration, and the headers of all that its layers hold.
#[derive(Clone, Debug, Default)]
pub struct ImageArchive {
    /// Such as `amd64`.
    pub architecture: String,
    /// Every date in the configuration: the image's own, and that of each step of its history.
    pub created: Vec<String>,
    /// `uid:gid`.
    pub user: String,
    /// What is started.
    pub entrypoint: Vec<String>,
    /// What it is told, or what is started where there is no entrypoint.
    pub command: Vec<String>,
    /// `NAME=VALUE`.
    pub environment: Vec<String>,
    /// Such as `8443/tcp`.
    pub ports: BTreeSet<String>,
    /// Paths that get a nameless volume where nothing is mounted.
    pub volumes: Vec<String>,
    /// All layers together, uncompressed, in bytes.
    pub size_bytes: u64,
    /// What the layers hold, first to last.
    pub entries: Vec<Entry>,
}

/// One entry of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is, from the root: `/bin/api`.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Permissions with the special bits, such as `0o4755`.
    pub mode: u32,
    /// Its owner.
    pub uid: u64,
    /// Its owner's group.
    pub gid: u64,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// When it was changed last, in seconds since 1970.
    pub modified: u64,
    /// What its first bytes say that it is, where that is a program or a library.
    pub program: Option<Program>,
    /// What it holds of the place where it was built. Only searched for in our own programs.
    pub of_its_build: Vec<String>,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, and where to.
    Link(String),
    /// Something else: a hard link, a device, a file taken away.
    Other,
}

/// What a kernel sees in a file that it is asked to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// ELF.
    Elf {
        /// The machine's number, as in elf.h.
        machine: u16,
        /// The loader that it asks for.
        loader: Option<String>,
    },
    /// A script.
    Script {
        /// Who interprets it.
        interpreter: String,
    },
}

impl Entry {
    /// It is in the Nix store: the name of its store path, without the hash.
    pub fn store_name(&self) -> Option<&str> {
        self.store_path()?.get("/nix/store/".len() + 33..)
    }

    /// The store path that it belongs to.
    pub fn store_path(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("/nix/store/")?;
        let name = inside.split('/').next().filter(|name| !name.is_empty())?;
        self.path.get(.."/nix/store/".len() + name.len())
    }

    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether a user, of one group, may write to it.
    pub fn writable_by(&self, uid: u64, gid: u64) -> bool {
        let bit = if self.uid == uid {
            0o200
        } else if self.gid == gid {
            0o020
        } else {
            0o002
        };
        self.mode & bit != 0
    }
}

impl ImageArchive {
    /// What is at a path, as the last layer that has it says. No link is followed.
    pub fn at(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.path == path)
    }

    /// What is at a path, with every link on the way followed inside of the image.
    pub fn follow(&self, path: &str) -> Seen<&Entry> {
        let mut reached = String::new();
        let parts = |path: &str| path.split('/').rev().map(str::to_owned).collect::<Vec<_>>();
        let mut ahead = parts(path);
        let mut links = 0;
        let mut found = None;
        while let Some(part) = ahead.pop() {
            match part.as_str() {
                "" | "." => {}
                ".." => reached.truncate(reached.rfind('/').unwrap_or(0)),
                part => {
                    let next = format!("{reached}/{part}");
                    let Some(entry) = self.at(&next) else {
                        // A layer need not name the folder of what it holds.
                        if self.entries.iter().any(|entry| is_below(&entry.path, &next)) {
                            reached = next;
                            found = None;
                            continue;
                        }
                        return Err(format!("{next} is not in the image"));
                    };
                    found = Some(entry);
                    let EntryKind::Link(target) = &entry.kind else {
                        reached = next;
                        continue;
                    };
                    links += 1;
                    if links > LINKS_FOLLOWED {
                        return Err(format!("{path} leads in a circle"));
                    }
                    if target.starts_with('/') {
                        reached.clear();
                    }
                    ahead.extend(parts(target));
                }
            }
        }
        found.ok_or_else(|| format!("`{path}` is no path of a file"))
    }

    /// The value of a variable that the image sets.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: EntryKind) -> Entry {
        let (mode, modified) = (0o755, 1);
        let path = path.into();
        Entry {
            path,
            kind,
            mode,
            uid: 0,
            gid: 0,
            size_bytes: 0,
            modified,
            program: None,
            of_its_build: vec![],
        }
    }

    fn link(path: &str, target: &str) -> Entry {
        entry(path, EntryKind::Link(target.into()))
    }

    fn image(entries: Vec<Entry>) -> ImageArchive {
        ImageArchive { entries, ..ImageArchive::default() }
    }

    #[test]
    fn links_are_followed_inside_of_the_image_also_those_to_folders_and_upwards() {
        let image = image(vec![
            entry("/store", EntryKind::Folder),
            entry("/store/bin", EntryKind::Folder),
            entry("/store/bin/bash", EntryKind::File),
            link("/store/bin/sh", "bash"),
            link("/bin", "store/bin"),
            link("/up", "/store/bin/../bin/sh"),
            entry("/unnamed/bin/zsh", EntryKind::File),
        ]);
        assert_eq!(image.follow("/unnamed/bin/zsh").unwrap().path, "/unnamed/bin/zsh");
        assert!(image.follow("/unnamed/bin").is_err(), "nothing is known of it");
        for path in ["/bin/sh", "/up", "/store/bin/bash", "/bin/../bin/./sh"] {
            assert_eq!(image.follow(path).unwrap().path, "/store/bin/bash", "{path}");
        }
        assert_eq!(image.follow("/bin/zsh").unwrap_err(), "/store/bin/zsh is not in the image");
    }

    #[test]
    fn a_circle_of_links_has_an_end() {
        let image = image(vec![link("/a", "b"), link("/b", "/a")]);
        assert_eq!(image.follow("/a").unwrap_err(), "/a leads in a circle");
    }

    #[test]
    fn the_last_layer_says_what_a_path_holds() {
        let image = image(vec![entry("/a", EntryKind::Folder), entry("/a", EntryKind::File)]);
        assert_eq!(image.at("/a").unwrap().kind, EntryKind::File);
    }

    #[test]
    fn an_entry_knows_its_store_path_and_its_name_without_the_hash() {
        let inside =
            entry("/nix/store/37gba7da8kdksjipis9rfw8dmps02yvc-glibc/lib/libc.so.6", EntryKind::File);
        assert_eq!(inside.store_path(), Some("/nix/store/37gba7da8kdksjipis9rfw8dmps02yvc-glibc"));
        assert_eq!(inside.store_name(), Some("glibc"));
        assert_eq!(entry("/nix/store", EntryKind::Folder).store_path(), None);
        assert_eq!(entry("/bin/api", EntryKind::File).store_name(), None);
    }

    #[test]
    fn the_owner_has_the_owners_rights_and_nobody_elses() {
        let folder = Entry { uid: 1, gid: 2, mode: 0o2070, ..entry("/a", EntryKind::Folder) };
        assert!(folder.writable_by(7, 2) && !folder.writable_by(1, 2) && !folder.writable_by(7, 7));
    }
}
