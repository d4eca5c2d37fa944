//! The container engine: finding it, and knowing that it is one we can drive.

use std::time::Duration;

use bollard::Docker;

/// The oldest API we speak: Docker 20.10's, which is what Debian 12 has.
pub const OLDEST_API: ApiVersion = ApiVersion { major: 1, minor: 41 };
/// The newest API we speak. A newer engine is fine as long as it still offers this one.
pub const NEWEST_API: ApiVersion = ApiVersion { major: 1, minor: 53 };

/// An engine API version, such as 1.41.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    /// Before the dot.
    pub major: u32,
    /// After the dot.
    pub minor: u32,
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl ApiVersion {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

/// Why there is no engine to work with.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nobody answers.
    #[error(
        "no container engine answers at {at} ({found}). Start one (`dockerd`, `systemctl start docker`), \
         point DOCKER_HOST at one, or run `make bootstrap`, which installs and starts Docker on Debian"
    )]
    NoAnswer {
        /// Where it was looked for.
        at: String,
        /// What came back instead.
        found: String,
    },
    /// It speaks only versions we do not.
    #[error(
        "the container engine {engine} speaks API {oldest} to {newest}; Shakedown speaks {OLDEST_API} to \
         {NEWEST_API}. {}", advice(*.newest)
    )]
    Version {
        /// The engine's own version.
        engine: String,
        /// The oldest API it offers.
        oldest: ApiVersion,
        /// The newest API it offers.
        newest: ApiVersion,
    },
}

fn advice(newest: ApiVersion) -> &'static str {
    if newest < OLDEST_API {
        "Update the engine to Docker 20.10 or newer"
    } else {
        "Update Shakedown: this engine no longer offers the API it was written for"
    }
}

/// What an engine says of itself.
#[derive(Clone, Debug)]
pub struct Engine {
    /// A client that speaks a version both sides know.
    pub docker: Docker,
    /// The engine's version, such as 20.10.24.
    pub version: String,
    /// The architecture it runs, in Nix' and Docker's common word (`amd64`, `arm64`).
    pub architecture: String,
}

impl Engine {
    /// Finds the engine (`DOCKER_HOST`, or the local socket) and agrees on an API version with it.
    pub async fn connect() -> Result<Self, EngineError> {
        let at = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".into());
        let no_answer = |error: bollard::errors::Error| EngineError::NoAnswer {
            at: at.clone(),
            found: innermost(&error),
        };
        let docker = Docker::connect_with_defaults().map_err(no_answer)?.with_timeout(Duration::from_mins(1));
        let version = docker.version().await.map_err(no_answer)?;
        let engine = version.version.unwrap_or_else(|| "of unknown version".into());
        agree(&engine, version.min_api_version.as_deref(), version.api_version.as_deref())?;
        let docker = docker.negotiate_version().await.map_err(no_answer)?;
        Ok(Self { docker, version: engine, architecture: version.arch.unwrap_or_default() })
    }
}

/// Whether an engine that offers `oldest` to `newest` can be driven. What it does not say is taken for fine.
fn agree(engine: &str, oldest: Option<&str>, newest: Option<&str>) -> Result<(), EngineError> {
    let newest = newest.and_then(ApiVersion::parse).unwrap_or(NEWEST_API);
    let oldest = oldest.and_then(ApiVersion::parse).unwrap_or(OLDEST_API);
    if newest < OLDEST_API || oldest > NEWEST_API {
        return Err(EngineError::Version { engine: engine.into(), oldest, newest });
    }
    Ok(())
}

/// The last error of a chain: what really happened.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::debian_12("20.10.24", Some("1.12"), Some("1.41"), true)]
    #[case::docker_29("29.1.0", Some("1.44"), Some("1.52"), true)]
    #[case::newer_still_but_compatible("33.0.0", Some("1.50"), Some("1.61"), true)]
    #[case::says_nothing("podman", None, None, true)]
    #[case::too_old("19.03.15", Some("1.12"), Some("1.40"), false)]
    #[case::too_new("40.0.0", Some("1.60"), Some("1.70"), false)]
    fn engine_is_taken_where_the_versions_overlap(
        #[case] engine: &str,
        #[case] oldest: Option<&str>,
        #[case] newest: Option<&str>,
        #[case] taken: bool,
    ) {
        assert_eq!(agree(engine, oldest, newest).is_ok(), taken);
    }

    #[test]
    fn an_engine_that_is_too_old_is_told_from_one_that_is_too_new() {
        let old = agree("19.03.15", Some("1.12"), Some("1.40")).unwrap_err().to_string();
        insta::assert_snapshot!(old, @"the container engine 19.03.15 speaks API 1.12 to 1.40; Shakedown speaks 1.41 to 1.53. Update the engine to Docker 20.10 or newer");
        let new = agree("40.0.0", Some("1.60"), Some("1.70")).unwrap_err().to_string();
        insta::assert_snapshot!(new, @"the container engine 40.0.0 speaks API 1.60 to 1.70; Shakedown speaks 1.41 to 1.53. Update Shakedown: this engine no longer offers the API it was written for");
    }
}
