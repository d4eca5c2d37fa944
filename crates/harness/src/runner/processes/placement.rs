//! Where everything of a stack is when it runs as processes: an address of this machine for each container port, a path of
//! this machine for each that a container would have. What services are told is rewritten accordingly.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// What a service listens on to be reached from everywhere.
const ANYWHERE: &str = "0.0.0.0";
/// Names by which a service speaks of itself.
const ITSELF: [&str; 3] = [ANYWHERE, "127.0.0.1", "localhost"];

/// Addresses of container ports.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports {
    /// Where each instance listens, by instance and container port.
    pub(super) instances: BTreeMap<(String, u16), SocketAddr>,
    /// Where others reach each service, by any of its names and container port.
    pub(super) services: BTreeMap<(String, u16), SocketAddr>,
}

/// How what one instance is told is rewritten.
#[derive(Clone, Debug)]
pub(super) struct Placement<'a> {
    /// The instance.
    pub(super) instance: &'a str,
    /// Where all of them are.
    pub(super) ports: &'a Ports,
    /// Paths in its container that are somewhere else here: mounts, secrets, memory file systems.
    pub(super) paths: &'a BTreeMap<String, PathBuf>,
    /// What it finds in its image.
    pub(super) root: &'a Path,
}

impl Placement<'_> {
    /// A value with every `HOST:PORT` and every path in it as they are here.
    pub(super) fn text(&self, text: &str) -> String {
        self.with_paths(&self.with_addresses(text))
    }

    /// The same for all variables. `X_HOST` and `X_PORT` are an address in two parts.
    pub(super) fn environment(&self, variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut placed: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| (name.clone(), self.text(value))).collect();
        for (name, host) in variables {
            let Some(prefix) = name.strip_suffix("_HOST") else { continue };
            let port_name = format!("{prefix}_PORT");
            let Some(port) = variables.get(&port_name).and_then(|port| port.parse().ok()) else { continue };
            if let Some(address) = self.address(host, port) {
                placed.insert(name.clone(), address.ip().to_string());
                placed.insert(port_name, address.port().to_string());
            }
        }
        placed
    }

    /// Where a program of the image is.
    pub(super) fn program(&self, program: &str, search: &str) -> PathBuf {
        if program.contains('/') {
            return PathBuf::from(self.with_paths(program));
        }
        let mut folders = std::env::split_paths(search).map(|folder| folder.join(program));
        folders.find(|file| file.exists()).unwrap_or_else(|| PathBuf::from(program))
    }

    fn address(&self, host: &str, port: u16) -> Option<SocketAddr> {
        let of_itself = || self.ports.instances.get(&(self.instance.to_owned(), port));
        let found = if ITSELF.contains(&host) {
            of_itself()
        } else {
            self.ports.services.get(&(host.to_owned(), port))
        };
        found.copied()
    }

    /// A host is a whole word before a colon, its port all the digits behind that.
    fn with_addresses(&self, text: &str) -> String {
        let is_of_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let mut written = String::new();
        let mut rest = text;
        while let Some(colon) = rest.find(':') {
            let (before, after) = (&rest[..colon], &rest[colon + 1..]);
            let host = &before[before.rfind(|c| !is_of_host(c)).map_or(0, |at| at + 1)..];
            let digits = &after[..after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len())];
            let address = digits.parse().ok().and_then(|port| self.address(host, port));
            if let Some(address) = address {
                written.push_str(&before[..before.len() - host.len()]);
                written.push_str(&address.to_string());
                rest = &after[digits.len()..];
            } else {
                written.push_str(&rest[..=colon]);
                rest = after;
            }
        }
        written + rest
    }

    /// A path begins at a slash that begins a word, and ends where the word does.
    fn with_paths(&self, text: &str) -> String {
        let parts_words = |c: char| c.is_whitespace() || matches!(c, '=' | ':' | ',' | ';' | '"' | '\'');
        text.split_inclusive(parts_words)
            .map(|word| {
                let path = word.trim_end_matches(parts_words);
                let end = &word[path.len()..];
                match self.place_of(path) {
                    Some(place) => format!("{}{end}", place.display()),
                    None => word.to_owned(),
                }
            })
            .collect()
    }

    /// Where a container's path is here: below what is mounted there, or else in the image.
    fn place_of(&self, path: &str) -> Option<PathBuf> {
        if !path.starts_with('/') || path.starts_with("//") {
            return None;
        }
        let path = Path::new(path);
        let mounted = self.paths.iter().filter_map(|(target, place)| {
            let below = path.strip_prefix(target).ok()?;
            Some((target.len(), if below.as_os_str().is_empty() { place.clone() } else { place.join(below) }))
        });
        if let Some((_, place)) = mounted.max_by_key(|(length, _)| *length) {
            return Some(place);
        }
        let below = path.strip_prefix("/").ok().filter(|below| !below.as_os_str().is_empty())?;
        // A link leads into the store, which is where it is in a container.
        Some(self.root.join(below)).filter(|place| place.symlink_metadata().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn ports() -> Ports {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let names = |all: &[(&str, u16, u16)]| {
            all.iter().map(|(name, port, here)| (((*name).to_owned(), *port), at(*here))).collect()
        };
        Ports {
            instances: names(&[("api", 8000, 21000), ("api.2", 8000, 21001), ("redis", 6379, 21002)]),
            services: names(&[("api", 8000, 21009), ("redis", 6379, 21002), ("postgres", 5432, 21003)]),
        }
    }

    fn placed(act: impl FnOnce(Placement<'_>)) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("bin")).unwrap();
        let paths = BTreeMap::from([
            ("/run/secrets/key".to_owned(), PathBuf::from("/tmp/run/secret-key")),
            ("/var/lib/images".to_owned(), PathBuf::from("/tmp/run/images")),
            ("/var/lib/images/deep".to_owned(), PathBuf::from("/tmp/run/deep")),
        ]);
        act(Placement { instance: "api.2", ports: &ports(), paths: &paths, root: root.path() });
    }

    #[rstest]
    #[case::url("redis://redis:6379/0", "redis://127.0.0.1:21002/0")]
    #[case::own_listen("0.0.0.0:8000", "127.0.0.1:21001")]
    #[case::own_health("http://127.0.0.1:8000/health", "http://127.0.0.1:21001/health")]
    #[case::other_service("http://api:8000", "http://127.0.0.1:21009")]
    #[case::several("redis:6379,api:8000", "127.0.0.1:21002,127.0.0.1:21009")]
    #[case::another_port("redis:6380", "redis:6380")]
    #[case::longer_port("redis:63790", "redis:63790")]
    #[case::longer_host("my-redis:6379 redis.example:6379", "my-redis:6379 redis.example:6379")]
    #[case::origin("https://shakedown.localhost:8000", "https://shakedown.localhost:8000")]
    #[case::no_address("::: a:b", "::: a:b")]
    fn an_address_is_rewritten_where_it_is_one(#[case] told: &str, #[case] expected: &str) {
        placed(|placement| assert_eq!(placement.text(told), expected));
    }

    #[rstest]
    #[case::secret("/run/secrets/key", "/tmp/run/secret-key")]
    #[case::below("--path=/var/lib/images/a/b", "--path=/tmp/run/images/a/b")]
    #[case::deepest("/var/lib/images/deep/b", "/tmp/run/deep/b")]
    #[case::name_that_goes_on("/run/secrets/key2", "/run/secrets/key2")]
    #[case::path_of_a_url("http://example.org/var/lib/images", "http://example.org/var/lib/images")]
    #[case::nowhere("/health", "/health")]
    #[case::root("/", "/")]
    fn a_path_is_rewritten_where_it_is_one(#[case] told: &str, #[case] expected: &str) {
        placed(|placement| assert_eq!(placement.text(told), expected));
    }

    #[test]
    fn programs_are_looked_for_in_the_image() {
        placed(|placement| {
            let bin = placement.root.join("bin");
            std::fs::write(bin.join("caddy"), "").unwrap();
            let environment = BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]);
            let search = placement.environment(&environment)["PATH"].clone();
            assert_eq!(search, bin.display().to_string());
            assert_eq!(placement.program("caddy", &search), bin.join("caddy"));
            assert_eq!(placement.program("/bin/caddy", &search), bin.join("caddy"));
        });
    }

    #[test]
    fn an_address_in_two_variables_is_rewritten_whole() {
        placed(|placement| {
            let told = [
                ("POSTGRES_HOST", "postgres"),
                ("POSTGRES_PORT", "5432"),
                ("LISTEN_HOST", "0.0.0.0"),
                ("LISTEN_PORT", "8000"),
                ("SMTP_HOST", "mail.example"),
                ("SMTP_PORT", "25"),
            ];
            let told = told.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let placed = placement.environment(&BTreeMap::from(told));
            let of = |name: &str| placed[name].as_str();
            assert_eq!((of("POSTGRES_HOST"), of("POSTGRES_PORT")), ("127.0.0.1", "21003"));
            assert_eq!((of("LISTEN_HOST"), of("LISTEN_PORT")), ("127.0.0.1", "21001"));
            assert_eq!((of("SMTP_HOST"), of("SMTP_PORT")), ("mail.example", "25"));
        });
    }
}
