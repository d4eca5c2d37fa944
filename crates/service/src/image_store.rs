//! The image store as a dependency: where it is, in which form it keeps images, and how people get at them. Api and worker
//! read the same settings, and have to be given the same.

use std::sync::Arc;

use image_store::{
    Backend, DirectLinks, Endpoint, ImageStore, KEY_MIN_BYTES, Keys, KeysError, S3Config, S3ConfigError,
};

use crate::{SettingError, Settings};

/// Where the images are, and in which form.
#[derive(Clone, Debug)]
pub struct ImageStoreConfig {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    /// Encrypted, and the api streams them (`IMAGE_DELIVERY=stream`).
    Encrypted(Backend, Keys),
    /// As they are, and links lead straight to the bucket (`IMAGE_DELIVERY=redirect`).
    Unencrypted(Box<S3Config>, Box<DirectLinks>),
}

impl ImageStoreConfig {
    /// Reads `IMAGE_STORE` (`filesystem` or `s3`), where that is, `IMAGE_DELIVERY` (`stream` or `redirect`), and
    /// `IMAGE_ENCRYPTION_KEY` (or `_FILE`).
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        const STORE: &str = "IMAGE_STORE";
        let backend = match settings.text(STORE, "filesystem")?.as_str() {
            "filesystem" => Backend::Filesystem(settings.folder("IMAGE_STORE_PATH", "/var/lib/images")?),
            "s3" => Backend::S3(Box::new(bucket(settings)?)),
            _ => return Err(SettingError::invalid(STORE, "`filesystem` or `s3`")),
        };
        let form = match (redirects(settings)?, backend) {
            (false, backend) => Form::Encrypted(backend, keys(settings)?),
            (true, Backend::S3(bucket)) => {
                let links = direct_links(settings, &bucket)?;
                Form::Unencrypted(bucket, Box::new(links))
            }
            (true, Backend::Filesystem(_)) => {
                let expected =
                    "`stream` while IMAGE_STORE is `filesystem`: there is nothing that a link could lead to";
                return Err(SettingError::invalid(DELIVERY, expected));
            }
        };
        Ok(Self { form })
    }

    /// The store itself. Nothing is tried yet: a service starts while its store is away. Says in the log how images are
    /// kept.
    pub fn open(&self) -> Arc<dyn ImageStore> {
        match &self.form {
            Form::Encrypted(backend, keys) => {
                tracing::info!(%keys, "images are encrypted; the first key writes");
                backend.open(keys.clone())
            }
            Form::Unencrypted(bucket, _) => {
                tracing::warn!("images are not encrypted, because IMAGE_DELIVERY is `redirect`");
                bucket.open_unencrypted()
            }
        }
    }

    /// What makes links straight to the store, where people are to be sent there.
    pub fn direct_links(&self) -> Option<DirectLinks> {
        match &self.form {
            Form::Encrypted(..) => None,
            Form::Unencrypted(_, links) => Some(DirectLinks::clone(links)),
        }
    }
}

const DELIVERY: &str = "IMAGE_DELIVERY";

fn redirects(settings: &Settings) -> Result<bool, SettingError> {
    match settings.text(DELIVERY, "stream")?.as_str() {
        "stream" => Ok(false),
        "redirect" => Ok(true),
        _ => Err(SettingError::invalid(DELIVERY, "`stream` or `redirect`")),
    }
}

fn bucket(settings: &Settings) -> Result<S3Config, SettingError> {
    const ENDPOINT: &str = "S3_ENDPOINT";
    const REGION: &str = "S3_REGION";
    const BUCKET: &str = "S3_BUCKET";
    const ACCESS_KEY_ID: &str = "the id of an access key of the S3 store, in visible ASCII";
    let endpoint = endpoint(ENDPOINT, &settings.required(ENDPOINT, Endpoint::EXPECTED)?)?;
    let region = settings.text(REGION, "garage")?;
    S3Config::check_region(&region).map_err(|expected| refused(REGION, &expected))?;
    let bucket = settings.required(BUCKET, S3Config::BUCKET_EXPECTED)?;
    S3Config::check_bucket(&bucket).map_err(|expected| refused(BUCKET, &expected))?;
    let key_id = settings.secret("S3_ACCESS_KEY_ID", 1)?;
    if !key_id.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SettingError::invalid("S3_ACCESS_KEY_ID", ACCESS_KEY_ID));
    }
    let secret = settings.secret("S3_SECRET_ACCESS_KEY", 1)?;
    S3Config::new(endpoint, &region, &bucket, key_id.expose(), secret.expose())
        .map_err(|expected| refused(ENDPOINT, &expected))
}

/// `S3_PUBLIC_ENDPOINT`: where people reach the store, which is seldom where we do.
fn direct_links(settings: &Settings, bucket: &S3Config) -> Result<DirectLinks, SettingError> {
    const PUBLIC: &str = "S3_PUBLIC_ENDPOINT";
    let public = settings.optional(PUBLIC, Endpoint::EXPECTED)?;
    let public = public.map(|text| endpoint(PUBLIC, &text)).transpose()?;
    DirectLinks::new(bucket, public).map_err(|expected| refused(PUBLIC, &expected))
}

fn endpoint(name: &str, text: &str) -> Result<Endpoint, SettingError> {
    Endpoint::parse(text).map_err(|expected| refused(name, &expected))
}

fn refused(name: &str, expected: &S3ConfigError) -> SettingError {
    SettingError::invalid(name, expected.to_string())
}

fn keys(settings: &Settings) -> Result<Keys, SettingError> {
    const NAME: &str = "IMAGE_ENCRYPTION_KEY";
    Keys::parse(settings.secret(NAME, KEY_MIN_BYTES)?.expose())
        .map_err(|expected: KeysError| SettingError::invalid(NAME, expected.to_string()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::ImageStoreConfig;
    use crate::{SettingError, Settings};

    const KEY: (&str, &str) = ("IMAGE_ENCRYPTION_KEY", "fedcba9876543210fedcba9876543210");
    const S3: [(&str, &str); 6] = [
        KEY,
        ("IMAGE_STORE", "s3"),
        ("S3_ENDPOINT", "http://image-store:3900"),
        ("S3_BUCKET", "images"),
        ("S3_ACCESS_KEY_ID", "GK31c2f218a2e44f485b94239e"),
        ("S3_SECRET_ACCESS_KEY", "b892c0665f0ada8a4755dae98baa3b133590e11dae3bcc1f9d769d67f16c3835"),
    ];

    fn s3_with(more: &[(&str, &str)]) -> Result<ImageStoreConfig, SettingError> {
        let others = S3.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        ImageStoreConfig::read(&Settings::from_pairs(others.chain(more.iter().copied())))
    }

    #[test]
    fn images_are_encrypted_in_a_folder_where_nothing_else_is_said() {
        let config = ImageStoreConfig::read(&Settings::from_pairs([KEY])).unwrap();
        assert!(config.direct_links().is_none());
        let shown = format!("{config:?}");
        assert!(shown.contains("/var/lib/images") && !shown.contains("fedcba98"), "{shown}");
    }

    #[test]
    fn bucket_of_an_s3_store_is_taken_and_no_key_is_shown() {
        let config = s3_with(&[]).unwrap();
        assert!(config.direct_links().is_none());
        let shown = format!("{config:?}");
        assert!(shown.contains("image-store:3900") && shown.contains("garage"), "{shown}");
        assert!(!shown.contains("b892c066") && !shown.contains("fedcba98"), "{shown}");
    }

    #[test]
    fn redirect_needs_no_encryption_key_and_leads_where_people_reach_the_store() {
        let redirect = [("IMAGE_DELIVERY", "redirect"), ("S3_PUBLIC_ENDPOINT", "https://images.example.com")];
        let settings = Settings::from_pairs(S3.into_iter().filter(|pair| *pair != KEY).chain(redirect));
        let links = ImageStoreConfig::read(&settings).unwrap().direct_links();
        let shown = format!("{:?}", links.unwrap());
        assert!(shown.contains("https://images.example.com/images/"), "{shown}");
    }

    #[test]
    fn redirect_from_a_folder_is_refused_with_the_reason() {
        let settings = Settings::from_pairs([KEY, ("IMAGE_DELIVERY", "redirect")]);
        let said = ImageStoreConfig::read(&settings).unwrap_err().to_string();
        assert_eq!(
            said,
            "IMAGE_DELIVERY is not valid; expected `stream` while IMAGE_STORE is `filesystem`: there is nothing that a link could lead to"
        );
    }

    #[rstest]
    #[case("IMAGE_STORE", "tape-4815162342")]
    #[case("IMAGE_DELIVERY", "pigeon-4815162342")]
    #[case("S3_ENDPOINT", "image-store:3900")]
    #[case("S3_ENDPOINT", "http://key:4815162342@image-store:3900")]
    #[case("S3_ENDPOINT", "http://image-store:3900/4815162342")]
    #[case("S3_REGION", "Region 4815162342")]
    #[case("S3_BUCKET", "Images_4815162342")]
    #[case("S3_ACCESS_KEY_ID", "two words 4815162342")]
    #[case("S3_SECRET_ACCESS_KEY", "")]
    #[case("IMAGE_ENCRYPTION_KEY", "4815162342")]
    fn wrong_setting_is_refused_by_name_and_never_shown(#[case] name: &str, #[case] value: &str) {
        let error = s3_with(&[(name, value)]).unwrap_err();
        assert_eq!(error.name(), name);
        assert!(!error.to_string().contains("4815162342"), "{error}");
    }

    #[rstest]
    #[case("S3_ENDPOINT")]
    #[case("S3_BUCKET")]
    #[case("S3_ACCESS_KEY_ID")]
    #[case("S3_SECRET_ACCESS_KEY")]
    #[case("IMAGE_ENCRYPTION_KEY")]
    fn missing_setting_is_named(#[case] name: &str) {
        let error =
            ImageStoreConfig::read(&Settings::from_pairs(S3.into_iter().filter(|pair| pair.0 != name)));
        let error = error.unwrap_err();
        assert!(matches!(&error, SettingError::Missing { .. }), "{error}");
        assert_eq!(error.name(), name);
    }

    #[test]
    fn wrong_public_endpoint_is_refused_by_its_name() {
        let redirect = [("IMAGE_DELIVERY", "redirect"), ("S3_PUBLIC_ENDPOINT", "images.example.com")];
        assert_eq!(s3_with(&redirect).unwrap_err().name(), "S3_PUBLIC_ENDPOINT");
    }
}
