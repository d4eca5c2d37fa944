//! One run: its id, who owns it, its folder, and the labels that mark everything it starts.

use std::{
    collections::HashMap,
    fmt, fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde::Serialize;

/// Label with the run's id.
pub const LABEL_RUN: &str = "dev.shakedown.run";
/// Label with the process that owns the run, see [`Owner`].
pub const LABEL_OWNER: &str = "dev.shakedown.owner";
/// Label with the service's name.
pub const LABEL_SERVICE: &str = "dev.shakedown.service";
/// Label with the run's folder on the host.
pub const LABEL_FOLDER: &str = "dev.shakedown.folder";
/// Label with the run's control marker, see [`crate::canary`].
pub const LABEL_MARKER: &str = "dev.shakedown.marker";
/// The owner of a stack that nobody holds: it stays until `shakedown down`.
pub const OWNER_NOBODY: &str = "nobody";

/// Names a run: eight hexadecimal digits, or a word for a stack that is kept (`dev`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct RunId(String);

impl RunId {
    /// A fresh random id.
    pub fn random() -> Self {
        Self(hex::encode(rand::random::<[u8; 4]>()))
    }

    /// An id from a label or the command line; anything but letters, digits and `-` is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let sane = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (!text.is_empty() && text.len() <= 32 && text.chars().all(sane)).then(|| Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of something of this run, such as `shakedown-1a2b3c4d-api`.
    pub fn name_of(&self, thing: &str) -> String {
        format!("shakedown-{}-{thing}", self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A process on this boot of this machine. A process id alone would be taken for another's after a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// This process.
    pub fn this_process() -> Self {
        let pid = std::process::id();
        Self(format!("{pid}.{}.{}.{}", start_time(pid).unwrap_or(0), boot_id(), world()))
    }

    /// The label's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the process that a label names is certainly gone. A label that cannot be read proves nothing.
    pub fn is_gone(label: &str) -> bool {
        let mut parts = label.splitn(4, '.');
        let (Some(pid), Some(start), Some(boot), Some(there)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        if there != world() {
            return false;
        }
        let (Ok(pid), Ok(start)) = (pid.parse::<u32>(), start.parse::<u64>()) else {
            return false;
        };
        boot != boot_id() || start_time(pid) != Some(start)
    }
}

/// Ticks between boot and the process's start: field 22 of `/proc/PID/stat`, counted after the name in parentheses.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    if state == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// The machine and the process id namespace: of processes elsewhere nothing is known here.
fn world() -> String {
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{}-{}", machine.trim(), namespace.display())
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// What becomes of a run when its work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing is left.
    Removed,
    /// It stays until `shakedown down`.
    Kept,
}

/// A run: what it is called, where its files are, who owns it.
#[derive(Clone, Debug)]
pub struct Run {
    /// The run's id.
    pub id: RunId,
    /// The run's private folder on the host (0700): planted secrets live there.
    pub folder: PathBuf,
    /// The label that says who owns the run.
    pub owner: String,
    /// A harmless word, unique to the run, that collectors must find where a leak would show.
    pub marker: String,
}

impl Run {
    /// A fresh run, its folder made. One that is to be removed is owned by this process; one that is to be kept by
    /// nobody, so that a later run does not take it for a dead one's leftovers.
    pub fn begin(fate: Fate) -> io::Result<Self> {
        let id = RunId::random();
        let folder = std::env::temp_dir().join(id.name_of("run"));
        let owner = match fate {
            Fate::Removed => Owner::this_process().as_str().to_owned(),
            Fate::Kept => OWNER_NOBODY.to_owned(),
        };
        Self::begin_at(id, &folder, &owner)
    }

    /// A run with a name, a folder and an owner of one's choice; the folder is made where it is missing.
    pub fn begin_at(id: RunId, folder: &Path, owner: &str) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let folder = folder.canonicalize()?;
        let marker = format!("marker-{}", hex::encode(rand::random::<[u8; 8]>()));
        Ok(Self { id, folder, owner: owner.into(), marker })
    }

    /// The labels of everything that the run starts.
    pub fn labels(&self) -> HashMap<String, String> {
        HashMap::from([
            (LABEL_RUN.into(), self.id.to_string()),
            (LABEL_OWNER.into(), self.owner.clone()),
            (LABEL_FOLDER.into(), self.folder.display().to_string()),
            (LABEL_MARKER.into(), self.marker.clone()),
        ])
    }

    /// Writes a file that any user of a container may read once it is mounted there (0444), in the run's 0700 folder.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, bytes)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444))?;
        Ok(path)
    }
}

/// Removes a run's folder. Refuses anything that is not named like one, because the name may come from a label.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !(name.starts_with("shakedown-") && name.ends_with("-run")) {
        return Err(io::Error::other(format!("refusing to remove {}: not a run's folder", folder.display())));
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_not_gone_and_a_dead_one_is() {
        assert!(!Owner::is_gone(Owner::this_process().as_str()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        let label = format!("{pid}.{}.{}.{}", start_time(pid).unwrap_or(1), boot_id(), world());
        child.wait().unwrap();
        assert!(Owner::is_gone(&label));
    }

    #[test]
    fn an_owner_of_another_boot_is_gone_and_an_unreadable_one_is_not() {
        assert!(Owner::is_gone(&format!("1.1.another-boot.{}", world())));
        assert!(!Owner::is_gone("1.1.another-boot.another-machine"));
        assert!(!Owner::is_gone(OWNER_NOBODY));
    }

    #[test]
    fn only_a_runs_folder_is_ever_removed() {
        let other = std::env::temp_dir();
        assert!(remove_folder(&other).unwrap_err().to_string().contains("refusing"));
    }

    #[test]
    fn a_run_id_from_outside_is_held_to_its_form() {
        assert!(RunId::parse("1a2b3c4d").is_some());
        assert!(RunId::parse("../etc").is_none());
    }
}
