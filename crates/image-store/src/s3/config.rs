//! Where an S3 store is and who we are to it, checked before anything is tried.

use std::fmt;

use rusty_s3::{Bucket, Credentials, UrlStyle};
use url::Url;

use super::error::Place;

/// Where an S3 store is reached: `http://HOST:PORT` or `https://HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

/// What an S3 setting should have held. The text tells what was expected, and nothing of what was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct S3ConfigError(&'static str);

impl Endpoint {
    /// What an endpoint looks like, for messages.
    pub const EXPECTED: &str =
        "http://HOST:PORT or https://HOST:PORT of an S3 store, without path, query or credentials";

    /// Reads an endpoint. Credentials in it would end up in every link and every log.
    pub fn parse(text: &str) -> Result<Self, S3ConfigError> {
        let url = Url::parse(text).map_err(|_| S3ConfigError(Self::EXPECTED))?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        if plain { Ok(Self(url)) } else { Err(S3ConfigError(Self::EXPECTED)) }
    }

    /// Whether it is to be spoken to in TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// One bucket of an S3 store, and the key to it. `Debug` shows no secret.
#[derive(Clone)]
pub struct S3Config {
    pub(super) endpoint: Endpoint,
    pub(super) bucket: Bucket,
    pub(super) credentials: Credentials,
}

impl S3Config {
    /// What a bucket's name looks like, for messages.
    pub const BUCKET_EXPECTED: &str =
        "the name of a bucket: 3 to 63 of a-z, 0-9, `-` and `.`, beginning and ending with a letter or digit";
    /// What a region looks like, for messages.
    pub const REGION_EXPECTED: &str =
        "the region that the store has in its configuration, of a-z, 0-9 and `-`";

    /// A bucket of the store at `endpoint`, in path style.
    pub fn new(
        endpoint: Endpoint,
        region: &str,
        bucket: &str,
        access_key_id: &str,
        secret_access_key: &str,
    ) -> Result<Self, S3ConfigError> {
        Self::check_bucket(bucket)?;
        Self::check_region(region)?;
        let bucket = Bucket::new(endpoint.0.clone(), UrlStyle::Path, bucket.to_owned(), region.to_owned())
            .map_err(|_| S3ConfigError(Endpoint::EXPECTED))?;
        Ok(Self { endpoint, bucket, credentials: Credentials::new(access_key_id, secret_access_key) })
    }

    /// Whether a bucket can have this name, by the rules that all S3 stores share.
    pub fn check_bucket(name: &str) -> Result<(), S3ConfigError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = name.as_bytes();
        let fits = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| plain(*byte) || matches!(byte, b'-' | b'.'))
            && bytes.first().is_some_and(|byte| plain(*byte))
            && bytes.last().is_some_and(|byte| plain(*byte))
            && !name.contains("..")
            && name.parse::<std::net::Ipv4Addr>().is_err();
        if fits { Ok(()) } else { Err(S3ConfigError(Self::BUCKET_EXPECTED)) }
    }

    /// Whether a region can have this name.
    pub fn check_region(name: &str) -> Result<(), S3ConfigError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !name.is_empty() && name.len() <= 63 && name.bytes().all(plain) {
            Ok(())
        } else {
            Err(S3ConfigError(Self::REGION_EXPECTED))
        }
    }

    pub(super) fn place(&self) -> Place {
        Place {
            endpoint: self.endpoint.to_string(),
            bucket: self.bucket.name().to_owned(),
            region: self.bucket.region().to_owned(),
        }
    }
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("S3Config").field(&self.place()).finish()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://image-store:3900", "http://image-store:3900")]
    #[case("https://s3.example.com/", "https://s3.example.com")]
    #[case("http://[::1]:3900", "http://[::1]:3900")]
    fn endpoint_is_a_scheme_a_host_and_a_port(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(Endpoint::parse(text).unwrap().to_string(), shown);
    }

    #[rstest]
    #[case::no_scheme("image-store:3900")]
    #[case::another_scheme("ftp://image-store:3900")]
    #[case::no_host("http://")]
    #[case::path("http://image-store:3900/images")]
    #[case::query("http://image-store:3900/?a=b")]
    #[case::credentials("http://key:4815162342@image-store:3900")]
    fn endpoint_with_more_or_less_than_that_is_refused_and_not_shown(#[case] text: &str) {
        let said = Endpoint::parse(text).unwrap_err().to_string();
        assert!(said.starts_with("http://HOST:PORT") && !said.contains("4815162342"), "{said}");
    }

    #[rstest]
    #[case("images", true)]
    #[case("my.images-2", true)]
    #[case("im", false)]
    #[case("Images", false)]
    #[case("images_2", false)]
    #[case("-images", false)]
    #[case("images.", false)]
    #[case("im..ages", false)]
    #[case("10.0.0.1", false)]
    #[case("../etc", false)]
    fn bucket_is_held_against_the_rules_of_s3(#[case] name: &str, #[case] fits: bool) {
        assert_eq!(S3Config::check_bucket(name).is_ok(), fits);
    }

    #[test]
    fn debug_shows_where_and_nothing_of_the_secret() {
        let endpoint = Endpoint::parse("http://image-store:3900").unwrap();
        let config = S3Config::new(endpoint, "garage", "images", "GK1", "4815162342").unwrap();
        let shown = format!("{config:?}");
        assert!(shown.contains("image-store:3900") && !shown.contains("4815162342"), "{shown}");
    }
}
