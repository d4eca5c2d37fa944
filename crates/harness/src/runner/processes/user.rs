//! Who the programs run as: never root.

use std::{io, os::unix::fs::chown, path::Path};

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
    fn root_under_another_name_is_no_unprivileged_user() {
        assert_eq!(of_passwd("nobody:x:0:0::/:/bin/sh\n", "nobody"), None);
    }
}
