//! Links that lead straight to the store: presigned, and dead after some seconds.

use std::time::Duration;

use jiff::Timestamp;
use rusty_s3::actions::GetObject;
use rusty_s3::{Bucket, Credentials, S3Action};
use time::OffsetDateTime;
use uuid::Uuid;

use super::config::{Endpoint, S3Config, S3ConfigError};

/// Makes presigned links to objects that are stored as people are to get them.
#[derive(Clone)]
pub struct DirectLinks {
    bucket: Bucket,
    credentials: Credentials,
}

impl DirectLinks {
    /// No link lives longer: enough to follow it at once, too short to hand it on.
    pub const LONGEST: Duration = Duration::from_secs(5);

    /// Links to the bucket of `config` as people reach it, which is at `public` where that is another address than ours.
    /// Whatever stands in between has to leave host and path as they are: both are signed.
    pub fn new(config: &S3Config, public: Option<Endpoint>) -> Result<Self, S3ConfigError> {
        let endpoint = public.unwrap_or_else(|| config.endpoint.clone());
        let (credentials, bucket) = (&config.credentials, &config.bucket);
        let there =
            S3Config::new(endpoint, bucket.region(), bucket.name(), credentials.key(), credentials.secret())?;
        Ok(Self { bucket: there.bucket, credentials: there.credentials })
    }

    /// A link to the image under `id` that is good from `now` on for the shorter of `left` and [`Self::LONGEST`], in whole
    /// seconds, rounded down. `None` where that is none at all.
    ///
    /// `now` is a moment of the clock that says how long images live. The store judges by its own.
    pub fn make(&self, id: Uuid, content_type: &str, now: OffsetDateTime, left: Duration) -> Option<String> {
        let lives = Duration::from_secs(left.min(Self::LONGEST).as_secs());
        if lives.is_zero() {
            return None;
        }
        let now = Timestamp::from_second(now.unix_timestamp()).ok()?;
        let key = id.to_string();
        let mut get = GetObject::new(&self.bucket, Some(&self.credentials), &key);
        get.query_mut().insert("response-content-type", content_type);
        get.query_mut().insert("response-cache-control", format!("private, max-age={}", left.as_secs()));
        Some(get.sign_with_time(lives, &now).to_string())
    }
}

impl std::fmt::Debug for DirectLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("DirectLinks").field(&self.bucket.base_url().as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn links(public: Option<&str>) -> DirectLinks {
        let endpoint = |text| Endpoint::parse(text).unwrap();
        let config =
            S3Config::new(endpoint("http://image-store:3900"), "garage", "images", "GK1", "4815162342")
                .unwrap();
        DirectLinks::new(&config, public.map(endpoint)).unwrap()
    }

    fn at(second: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(second).unwrap()
    }

    #[rstest]
    #[case::much_is_left(3_600_000, Some(5))]
    #[case::as_much_as_a_link_lives(5_000, Some(5))]
    #[case::less(3_999, Some(3))]
    #[case::less_than_a_second(999, None)]
    #[case::nothing(0, None)]
    fn link_lives_some_seconds_and_never_longer_than_its_image(
        #[case] left_ms: u64,
        #[case] lives_s: Option<u64>,
    ) {
        let link =
            links(None).make(Uuid::new_v4(), "image/png", at(1_000_000_000), Duration::from_millis(left_ms));
        let lives = link.as_ref().map(|link| link.split("X-Amz-Expires=").nth(1).unwrap());
        assert_eq!(lives.map(|lives| lives.split('&').next().unwrap().parse().unwrap()), lives_s);
        assert!(link.is_none_or(|link| link.contains("X-Amz-Date=20010909T014640Z")));
    }

    #[test]
    fn link_leads_where_people_reach_the_store_and_shows_no_secret() {
        let id = Uuid::new_v4();
        let make = |public| links(public).make(id, "image/png", at(1_000), Duration::from_secs(9)).unwrap();
        assert!(make(None).starts_with(&format!("http://image-store:3900/images/{id}?")));
        let public = make(Some("https://images.example.com"));
        assert!(public.starts_with(&format!("https://images.example.com/images/{id}?")), "{public}");
        assert!(!public.contains("4815162342"));
    }
}
