//! Who the programs run as: never root.

use std::{
    io,
    os::unix::fs::{MetadataExt, chown},
    path::Path,
};

use rustix::process::geteuid;
use tokio::process::Command;

/// The name of the user that programs of root's harness run as. Postgres wants one that the system has a name for.
const NOBODY: &str = "nobody";

/// The user of every program of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    /// The harness's own.
    Own,
    /// Another, because the harness is root.
    Other { uid: u32, gid: u32 },
}

impl User {
    /// Finds one that is not root.
    pub(super) fn find() -> Result<Self, String> {
        if !geteuid().is_root() {
            return Ok(Self::Own);
        }
        let passwd =
            std::fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
        let found = of_passwd(&passwd, NOBODY);
        found.ok_or_else(|| {
            format!(
                "this is root, and /etc/passwd has no unprivileged user `{NOBODY}` to run the programs as"
            )
        })
    }

    /// Whether it is let into a folder that it is to own, or which folder on the way is closed to it.
    pub(super) fn reaches(self, folder: &Path) -> Result<(), String> {
        if self == Self::Own {
            return Ok(());
        }
        let is_closed = |above: &&Path| above.metadata().is_ok_and(|found| found.mode() & 0o001 == 0);
        match folder.ancestors().skip(1).find(is_closed) {
            None => Ok(()),
            Some(above) => Err(format!(
                "the programs run as `{NOBODY}`, because this is root, and only its owner may enter {}; set TMPDIR to a \
                 folder that everybody may enter, such as /tmp",
                above.display()
            )),
        }
    }

    pub(super) fn wear(self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Gives it a file or folder.
    pub(super) fn give(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid)),
        }
    }
}

fn of_passwd(passwd: &str, name: &str) -> Option<User> {
    let mut fields =
        passwd.lines().map(|line| line.split(':')).find(|fields| fields.clone().next() == Some(name))?;
    let (uid, gid) = (fields.nth(2)?.parse().ok()?, fields.next()?.parse().ok()?);
    (uid != 0).then_some(User::Other { uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\nnobody2:x:7:7::/:/bin/false\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(of_passwd(passwd, "nobody"), Some(User::Other { uid: 65534, gid: 65533 }));
        assert_eq!(of_passwd(passwd, "somebody"), None);
    }

    #[test]
    fn a_folder_on_the_way_that_is_closed_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let top = tempfile::tempdir().unwrap();
        let (closed, run) = (top.path().join("closed"), top.path().join("closed/run"));
        std::fs::create_dir_all(&run).unwrap();
        let close = |mode| std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(mode)).unwrap();
        let other = User::Other { uid: 65534, gid: 65534 };
        close(0o755);
        // What is above the test's folder is this machine's.
        assert_eq!(other.reaches(&run), other.reaches(&closed));
        close(0o700);
        assert!(other.reaches(&run).unwrap_err().contains("closed;"));
        assert_eq!(User::Own.reaches(&run), Ok(()));
    }

    #[test]
    fn root_under_another_name_is_no_unprivileged_user() {
        assert_eq!(of_passwd("nobody:x:0:0::/:/bin/sh\n", "nobody"), None);
    }
}
