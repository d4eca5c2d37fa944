//! The certificate authority of this machine: for `localhost` and the names below it, kept in the user's data folder.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use harness::authority::{self, AuthorityError, Certified, IssuingAuthority};
use time::{Duration, OffsetDateTime};

use crate::command::init::write_whole;

/// What it may vouch for.
const FOR: &str = "localhost";
/// Long, because people have to make their browsers trust it by hand.
const LIFE: Duration = Duration::days(3650);
/// Browsers refuse certificates that live longer than 398 days.
const LIFE_OF_A_CERTIFICATE: Duration = Duration::days(397);
/// A certificate that ends within this is made anew.
const RENEWED_BEFORE_ITS_END: Duration = Duration::days(30);

pub(crate) struct MachineAuthority {
    issuing: IssuingAuthority,
    certificate: PathBuf,
}

impl MachineAuthority {
    /// The one that is there, or a new one where there is none or its end is near; and whether it is new.
    pub(crate) fn open_or_make() -> Result<(Self, bool), String> {
        Self::open_or_make_in(&folder(|name| std::env::var(name).ok())?)
    }

    fn open_or_make_in(folder: &Path) -> Result<(Self, bool), String> {
        let (certificate, key) = (folder.join("ca.pem"), folder.join("ca-key.pem"));
        let told = |path: &Path| {
            let path = path.display().to_string();
            move |error: std::io::Error| format!("{path}: {error}")
        };
        if certificate.exists() && key.exists() {
            let certificate_pem = fs::read_to_string(&certificate).map_err(told(&certificate))?;
            let key_pem = fs::read_to_string(&key).map_err(told(&key))?;
            let issuing = IssuingAuthority::from_pem(&certificate_pem, &key_pem).map_err(|error| {
                format!(
                    "{}: {error}; remove it and ca-key.pem beside it to have them made anew",
                    certificate.display()
                )
            })?;
            let end = authority::end_of(&certificate_pem).map_err(|error| error.to_string())?;
            if end > OffsetDateTime::now_utc() + LIFE_OF_A_CERTIFICATE {
                return Ok((Self { issuing, certificate }, false));
            }
        }
        let issuing = IssuingAuthority::new("this machine", FOR, LIFE).map_err(|error| error.to_string())?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(told(folder))?;
        write_whole(&key, &issuing.key_pem(), 0o600).map_err(told(&key))?;
        write_whole(&certificate, issuing.certificate_pem(), 0o644).map_err(told(&certificate))?;
        Ok((Self { issuing, certificate }, true))
    }

    /// Why a certificate and its key will not do for a server at `host`; none when they will.
    pub(crate) fn complaint(&self, certificate_pem: &str, key_pem: &str, host: &str) -> Option<String> {
        if !authority::belong_together(certificate_pem, key_pem) {
            return Some("the key is not that of the certificate".into());
        }
        let later = OffsetDateTime::now_utc() + RENEWED_BEFORE_ITS_END;
        let vouched = self.issuing.vouches_for(certificate_pem, host, later);
        vouched.err().map(|error| error.to_string())
    }

    /// A certificate of a server at `host`.
    pub(crate) fn issue(&self, host: &str) -> Result<Certified, AuthorityError> {
        self.issuing.issue(host, LIFE_OF_A_CERTIFICATE)
    }

    /// What people have to do once, so that their programs trust it.
    pub(crate) fn how_to_trust(&self) -> String {
        let file = self.certificate.display();
        format!(
            "made a certificate authority for this machine: {file}\n  \
             It can vouch for localhost and the names below it, and for nothing else. To have it trusted:\n  \
             Debian    sudo cp {file} /usr/local/share/ca-certificates/shakedown.crt && sudo update-ca-certificates\n  \
             Chromium  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n Shakedown -i {file}   (of package libnss3-tools)\n  \
             Firefox   Settings, Privacy & Security, View Certificates, Authorities, Import: that file"
        )
    }
}

/// `shakedown` in the user's data folder, by the rules of the XDG base directories: what is not absolute does not count.
fn folder(environment: impl Fn(&str) -> Option<String>) -> Result<PathBuf, String> {
    let absolute = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    let data =
        data.ok_or("neither XDG_DATA_HOME nor HOME names a folder to keep this machine's authority in")?;
    Ok(data.join("shakedown"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const HOST: &str = "shakedown.localhost";

    #[test]
    fn an_authority_is_made_once_and_its_key_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        let (first, is_new) = MachineAuthority::open_or_make_in(&folder).unwrap();
        assert!(is_new);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("ca-key.pem"))), (0o700, 0o600));
        let (again, is_new) = MachineAuthority::open_or_make_in(&folder).unwrap();
        assert!(!is_new);
        let issued = again.issue(HOST).unwrap();
        assert_eq!(first.complaint(&issued.certificate_pem, &issued.key_pem, HOST), None);
    }

    #[test]
    fn a_certificate_that_will_not_do_is_complained_of() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [(ours, _), (other, _)] =
            folders.each_ref().map(|folder| MachineAuthority::open_or_make_in(folder.path()).unwrap());
        let (good, second) = (ours.issue(HOST).unwrap(), ours.issue(HOST).unwrap());
        let short = ours.issuing.issue(HOST, Duration::days(29)).unwrap();
        let foreign = other.issue(HOST).unwrap();
        for (certified, key, host) in [
            (&good, &second, HOST),
            (&good, &good, "other.localhost"),
            (&short, &short, HOST),
            (&foreign, &foreign, HOST),
        ] {
            assert!(ours.complaint(&certified.certificate_pem, &key.key_pem, host).is_some());
        }
        assert!(ours.complaint("no certificate", "no key", HOST).is_some());
    }

    #[test]
    fn an_authority_that_cannot_be_read_is_left_alone_and_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), "nonsense").unwrap();
        fs::write(folder.path().join("ca-key.pem"), "nonsense").unwrap();
        let refused = MachineAuthority::open_or_make_in(folder.path()).err().unwrap();
        assert!(refused.contains("ca.pem") && refused.contains("remove it"), "{refused}");
    }

    #[test]
    fn the_data_folder_is_where_xdg_says() {
        let with = |pairs: &'static [(&str, &str)]| {
            folder(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(with(&[("XDG_DATA_HOME", "/d"), ("HOME", "/h")]).unwrap(), Path::new("/d/shakedown"));
        assert_eq!(
            with(&[("XDG_DATA_HOME", "relative"), ("HOME", "/h")]).unwrap(),
            Path::new("/h/.local/share/shakedown")
        );
        assert!(with(&[]).is_err());
    }
}
