//! What web needs to know, read from the environment once. It has no secret: whoever is signed in brings the
//! session's token in a cookie.

use std::net::SocketAddr;
use std::time::Duration;

use service::http::TrustedHops;
use service::{Origin, SettingError, Settings};

/// The settings of web.
#[derive(Clone, Debug)]
pub(crate) struct WebConfig {
    pub(crate) listen: SocketAddr,
    /// Where the api is.
    pub(crate) api_url: Origin,
    /// Where people reach the proxy. A form that another origin sends is refused.
    pub(crate) public_origin: Origin,
    pub(crate) trusted_hops: TrustedHops,
    /// The largest photo that the api takes.
    pub(crate) upload_bytes: usize,
    /// The longest that the api lets an image live.
    pub(crate) output_ttl: Duration,
    pub(crate) grace: Duration,
}

impl WebConfig {
    pub(crate) fn read(settings: &Settings) -> Result<Self, SettingError> {
        let upload_bytes = settings.number("UPLOAD_MAX_BYTES", 10_485_760, 1024..=16_777_216)?;
        Ok(Self {
            listen: settings.listen("WEB_LISTEN", "0.0.0.0:3000")?,
            api_url: Origin::read(settings, "API_URL")?,
            public_origin: Origin::read_public(settings)?,
            trusted_hops: TrustedHops::read(settings)?,
            upload_bytes: usize::try_from(upload_bytes).unwrap_or(usize::MAX),
            output_ttl: settings.seconds("OUTPUT_TTL_SECONDS", 3600, 1..=604_800)?,
            grace: settings.seconds("SHUTDOWN_GRACE_SECONDS", 10, 1..=300)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use service::Settings;

    use super::WebConfig;

    const COMPLETE: [(&str, &str); 2] =
        [("API_URL", "http://api:8000"), ("PUBLIC_ORIGIN", "https://shakedown.localhost:8443")];

    #[test]
    fn complete_settings_are_taken_with_their_defaults() {
        let config = WebConfig::read(&Settings::from_pairs(COMPLETE)).unwrap();
        assert_eq!(config.listen.port(), 3000);
        assert_eq!(config.upload_bytes, 10_485_760);
        assert_eq!(config.output_ttl.as_secs(), 3600);
    }

    #[rstest]
    #[case("API_URL", "api:8000")]
    #[case("API_URL", "http://api:8000/v1")]
    #[case("PUBLIC_ORIGIN", "")]
    #[case("TRUSTED_HOPS", "-1")]
    #[case("UPLOAD_MAX_BYTES", "1")]
    #[case("OUTPUT_TTL_SECONDS", "0")]
    #[case("WEB_LISTEN", "everywhere")]
    fn wrong_setting_is_refused_by_its_name(#[case] name: &str, #[case] value: &str) {
        let others = COMPLETE.iter().copied().filter(|(other, _)| *other != name);
        let settings = Settings::from_pairs(others.chain([(name, value)]));
        assert_eq!(WebConfig::read(&settings).unwrap_err().name(), name);
    }
}
