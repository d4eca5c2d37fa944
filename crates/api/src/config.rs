//! What the api needs to know, read from the environment once.

use std::net::SocketAddr;
use std::time::Duration;

use image_store::{KEY_MIN_BYTES, KeysError};
use service::http::TrustedHops;
use service::image_store::ImageStoreConfig;
use service::postgres::PostgresConfig;
use service::redis::RedisConfig;
use service::{Origin, Secret, SettingError, Settings};

use crate::limit::LimitConfig;
use crate::link::SigningKeys;

/// The settings of `api serve`.
#[derive(Clone, Debug)]
pub(crate) struct ApiConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) postgres: PostgresConfig,
    pub(crate) redis: RedisConfig,
    /// Where the outputs are and in which form.
    pub(crate) store: ImageStoreConfig,
    pub(crate) link: LinkConfig,
    pub(crate) ceilings: Ceilings,
    pub(crate) limits: LimitConfig,
    pub(crate) trusted_hops: TrustedHops,
    /// Origins whose pages may read our answers.
    pub(crate) allowed_origins: Vec<Origin>,
    pub(crate) grace: Duration,
}

/// What a link is made of.
#[derive(Clone, Debug)]
pub(crate) struct LinkConfig {
    /// Under which people reach the proxy.
    pub(crate) public_origin: Origin,
    /// The first signs, all of them verify.
    pub(crate) signing_keys: SigningKeys,
    /// The longest a link lives.
    pub(crate) ttl: Duration,
}

/// Ceilings for what a user may ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ceilings {
    pub(crate) output_ttl: Duration,
    pub(crate) session_ttl: Duration,
    /// A session that is not used for this long ends.
    pub(crate) session_idle: Duration,
    /// How long an input may wait for a worker.
    pub(crate) input_ttl: Duration,
    pub(crate) upload_bytes: usize,
    /// Living images and unfinished jobs of one account.
    pub(crate) quota_images: u32,
}

/// The settings of `api migrate`.
#[derive(Clone, Debug)]
pub(crate) struct MigrateConfig {
    /// As the owner of the schema.
    pub(crate) postgres: PostgresConfig,
    /// The role of api and worker.
    pub(crate) app_user: String,
    pub(crate) app_password: Secret,
}

impl ApiConfig {
    pub(crate) fn read(settings: &Settings) -> Result<Self, SettingError> {
        let public_origin = Origin::read_public(settings)?;
        Ok(Self {
            listen: settings.listen("API_LISTEN", "0.0.0.0:8000")?,
            postgres: PostgresConfig::read(settings)?,
            redis: RedisConfig::read(settings)?,
            store: ImageStoreConfig::read(settings)?,
            allowed_origins: Origin::read_allowed(settings, &public_origin)?,
            link: LinkConfig {
                public_origin,
                signing_keys: signing_keys(settings)?,
                ttl: settings.seconds("LINK_TTL_SECONDS", 300, 1..=3600)?,
            },
            ceilings: Ceilings {
                output_ttl: settings.seconds("OUTPUT_TTL_SECONDS", 3600, 1..=604_800)?,
                session_ttl: settings.seconds("SESSION_TTL_SECONDS", 86_400, 1..=2_592_000)?,
                session_idle: settings.seconds("SESSION_IDLE_SECONDS", 3600, 1..=2_592_000)?,
                input_ttl: settings.seconds("INPUT_TTL_SECONDS", 120, 1..=3600)?,
                upload_bytes: upload_bytes(settings)?,
                quota_images: quota_images(settings)?,
            },
            limits: LimitConfig::read(settings)?,
            trusted_hops: TrustedHops::read(settings)?,
            grace: settings.seconds("SHUTDOWN_GRACE_SECONDS", 10, 1..=300)?,
        })
    }
}

impl MigrateConfig {
    pub(crate) fn read(settings: &Settings) -> Result<Self, SettingError> {
        const ROLE: &str = "a role name of a-z, 0-9 and _ that is not POSTGRES_USER";
        let postgres = PostgresConfig::read(settings)?;
        let app_user = settings.required("POSTGRES_APP_USER", ROLE)?;
        if !is_plain_name(&app_user) || app_user == postgres.user {
            return Err(SettingError::invalid("POSTGRES_APP_USER", ROLE));
        }
        // It becomes part of a statement that takes no parameters.
        if !is_plain_name(&postgres.database) {
            return Err(SettingError::invalid("POSTGRES_DB", "a database name of a-z, 0-9 and _"));
        }
        let app_password = settings.secret("POSTGRES_APP_PASSWORD", 1)?;
        Ok(Self { postgres, app_user, app_password })
    }
}

/// Needs no quoting in SQL, and Postgres does not cut it off.
fn is_plain_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn signing_keys(settings: &Settings) -> Result<SigningKeys, SettingError> {
    const NAME: &str = "LINK_SIGNING_KEY";
    SigningKeys::parse(settings.secret(NAME, KEY_MIN_BYTES)?.expose())
        .map_err(|expected: KeysError| SettingError::invalid(NAME, expected.to_string()))
}

fn upload_bytes(settings: &Settings) -> Result<usize, SettingError> {
    let bytes = settings.number("UPLOAD_MAX_BYTES", 10_485_760, 1024..=16_777_216)?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

fn quota_images(settings: &Settings) -> Result<u32, SettingError> {
    let images = settings.number("UPLOAD_QUOTA_IMAGES", 200, 1..=100_000)?;
    Ok(u32::try_from(images).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use service::Settings;

    use super::{ApiConfig, MigrateConfig};

    const COMPLETE: [(&str, &str); 11] = [
        ("POSTGRES_HOST", "postgres"),
        ("POSTGRES_DB", "shakedown"),
        ("POSTGRES_USER", "shakedown_app"),
        ("POSTGRES_PASSWORD", "p"),
        ("REDIS_URL", "redis://redis:6379/0"),
        ("REDIS_PASSWORD", "r"),
        ("LINK_SIGNING_KEY", "0123456789abcdef0123456789abcdef"),
        ("PUBLIC_ORIGIN", "http://localhost:8080"),
        ("IMAGE_STORE", "filesystem"),
        ("IMAGE_STORE_PATH", "/var/lib/images"),
        ("IMAGE_ENCRYPTION_KEY", "fedcba9876543210fedcba9876543210"),
    ];

    fn with(name: &str, value: &str) -> Settings {
        let others = COMPLETE.iter().copied().filter(|(other, _)| *other != name);
        Settings::from_pairs(others.chain([(name, value)]))
    }

    #[test]
    fn complete_settings_are_taken_with_their_defaults() {
        let config = ApiConfig::read(&Settings::from_pairs(COMPLETE)).unwrap();
        assert_eq!(config.ceilings.output_ttl.as_secs(), 3600);
        assert_eq!(config.ceilings.upload_bytes, 10_485_760);
        assert_eq!(config.ceilings.session_idle.as_secs(), 3600);
        assert_eq!(config.limits.client_requests, 1200);
        assert_eq!(config.allowed_origins, std::slice::from_ref(&config.link.public_origin));
        assert_eq!(config.link.ttl.as_secs(), 300);
        let shown = format!("{config:?}");
        assert!(!shown.contains("0123456789abcdef") && !shown.contains("fedcba9876543210"));
    }

    #[rstest]
    #[case("OUTPUT_TTL_SECONDS", "0")]
    #[case("OUTPUT_TTL_SECONDS", "-5")]
    #[case("OUTPUT_TTL_SECONDS", "604801")]
    #[case("OUTPUT_TTL_SECONDS", "99999999999999999999")]
    #[case("OUTPUT_TTL_SECONDS", "1h")]
    #[case("OUTPUT_TTL_SECONDS", "1.5")]
    #[case("OUTPUT_TTL_SECONDS", "")]
    #[case("LINK_TTL_SECONDS", "soon")]
    #[case("LINK_TTL_SECONDS", "0")]
    #[case("LINK_TTL_SECONDS", "-1")]
    #[case("LINK_TTL_SECONDS", "3601")]
    #[case("LINK_TTL_SECONDS", "5m")]
    #[case("INPUT_TTL_SECONDS", "0")]
    #[case("INPUT_TTL_SECONDS", "-1")]
    #[case("INPUT_TTL_SECONDS", "3601")]
    #[case("INPUT_TTL_SECONDS", "2m")]
    #[case("LINK_SIGNING_KEY", "too-short")]
    #[case("LINK_SIGNING_KEY", "0123456789abcdef0123456789abcdef\ntoo-short")]
    #[case("LINK_SIGNING_KEY", "0123456789abcdef0123456789abcdef\n0123456789abcdef0123456789abcdef")]
    #[case("LINK_SIGNING_KEY", "                                 \n  ")]
    #[case("POSTGRES_HOST", "")]
    #[case("POSTGRES_PORT", "70000")]
    #[case("REDIS_URL", "redis://:pw@redis:6379/0")]
    #[case("IMAGE_STORE", "tape")]
    #[case("IMAGE_STORE_PATH", "relative/folder")]
    #[case("IMAGE_ENCRYPTION_KEY", "too-short")]
    #[case("IMAGE_ENCRYPTION_KEY", "fedcba9876543210fedcba9876543210\ntoo-short")]
    #[case("API_LISTEN", "everywhere")]
    #[case("UPLOAD_MAX_BYTES", "1")]
    #[case("PUBLIC_ORIGIN", "http://localhost:8080/")]
    #[case("ALLOWED_ORIGIN", "*")]
    #[case("ALLOWED_ORIGIN", "")]
    #[case("SESSION_IDLE_SECONDS", "0")]
    #[case("RATE_LIMIT_WINDOW_SECONDS", "0")]
    #[case("RATE_LIMIT_CLIENT_REQUESTS", "-1")]
    #[case("RATE_LIMIT_ACCOUNT_REQUESTS", "many")]
    #[case("RATE_LIMIT_LOGINS", "1.5")]
    #[case("RATE_LIMIT_UPLOADS", "1000001")]
    #[case("UPLOAD_QUOTA_IMAGES", "0")]
    #[case("TRUSTED_HOPS", "-1")]
    fn wrong_setting_is_refused_by_its_name(#[case] name: &str, #[case] value: &str) {
        let error = ApiConfig::read(&with(name, value)).unwrap_err();
        assert_eq!(error.name(), name, "{error}");
    }

    #[rstest]
    #[case("x; drop table users")]
    #[case("Upper")]
    #[case("shakedown_app")]
    fn role_that_needs_quoting_or_is_the_owner_is_refused(#[case] app_user: &str) {
        let more = [("POSTGRES_APP_USER", app_user), ("POSTGRES_APP_PASSWORD", "a")];
        let error = MigrateConfig::read(&Settings::from_pairs(COMPLETE.into_iter().chain(more))).unwrap_err();
        assert_eq!(error.name(), "POSTGRES_APP_USER");
    }
}
