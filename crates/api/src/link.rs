//! Signed links: whoever holds one may fetch one image until one moment, and nothing else.

use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::config::LinkConfig;

/// Keeps these signatures apart from any other use of the key.
const PURPOSE: &[u8] = b"shakedown image link 1\n";

/// Makes links and checks them.
#[derive(Clone)]
pub(crate) struct Links {
    public_origin: String,
    ttl: time::Duration,
    mac: Hmac<Sha256>,
}

/// A link that we made, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValidLink {
    pub(crate) image_id: Uuid,
    /// Unix seconds; from this moment on the link is dead.
    pub(crate) expires: i64,
}

/// We did not make this link, or it was changed since. Which of its parts is wrong is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tampered;

impl Links {
    pub(crate) fn new(config: &LinkConfig) -> Self {
        let mac = Hmac::new_from_slice(config.signing_key.expose().as_bytes());
        Self {
            public_origin: config.public_origin.as_str().to_owned(),
            ttl: time::Duration::try_from(config.ttl).unwrap_or(time::Duration::ZERO),
            mac: mac.unwrap_or_else(|_| unreachable!("HMAC takes keys of any length")),
        }
    }

    /// A link to an image, as long-lived as allowed and never beyond the image; in whole seconds, rounded
    /// down.
    pub(crate) fn make(
        &self,
        image_id: Uuid,
        now: OffsetDateTime,
        image_expires_at: OffsetDateTime,
    ) -> String {
        let expires = (now + self.ttl).min(image_expires_at).unix_timestamp();
        let (id, expires) = (image_id.to_string(), expires.to_string());
        let signature = URL_SAFE_NO_PAD.encode(self.signed(&id, &expires).finalize().into_bytes());
        format!("{}/images/{id}?expires={expires}&signature={signature}", self.public_origin)
    }

    /// Checks a link as it arrived, before anything in it is believed. The signature covers the very text of
    /// id and expiry.
    pub(crate) fn verify(&self, id: &str, query: &str) -> Result<ValidLink, Tampered> {
        let expires = parameter(query, "expires")?;
        let signature = URL_SAFE_NO_PAD.decode(parameter(query, "signature")?).map_err(|_| Tampered)?;
        // Takes the same time wherever the first difference is.
        self.signed(id, expires).verify_slice(&signature).map_err(|_| Tampered)?;
        Ok(ValidLink {
            image_id: id.parse().map_err(|_| Tampered)?,
            expires: expires.parse().map_err(|_| Tampered)?,
        })
    }

    fn signed(&self, id: &str, expires: &str) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        for part in [PURPOSE, id.as_bytes(), b"\n", expires.as_bytes()] {
            mac.update(part);
        }
        mac
    }
}

/// The one value of a query parameter. Twice the same name is a trick, not a link of ours.
fn parameter<'a>(query: &'a str, name: &str) -> Result<&'a str, Tampered> {
    let mut values = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(value),
        _ => Err(Tampered),
    }
}

/// The last part of the path and the query, neither of them decoded: a link of ours has nothing to decode.
pub(crate) fn parts(uri: &Uri) -> (&str, &str) {
    let id = uri.path().rsplit('/').next().unwrap_or_default();
    (id, uri.query().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use service::Secret;
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::{Links, Tampered, parts};
    use crate::config::LinkConfig;

    fn links(key: &str) -> Links {
        Links::new(&LinkConfig {
            public_origin: service::Origin::parse("http://localhost:8080").unwrap(),
            signing_key: Secret::new(key),
            ttl: Duration::from_mins(5),
        })
    }

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    fn verify(links: &Links, link: &str) -> Result<super::ValidLink, Tampered> {
        let uri = link.parse().map_err(|_| Tampered)?;
        let (id, query) = parts(&uri);
        links.verify(id, query)
    }

    #[test]
    fn link_is_accepted_as_it_was_made() {
        let links = links("0123456789abcdef0123456789abcdef");
        let id = Uuid::new_v4();
        let link = links.make(id, at(1_000), at(100_000));
        let valid = verify(&links, &link).unwrap();
        assert_eq!((valid.image_id, valid.expires), (id, 1_300));
    }

    #[test]
    fn link_never_outlives_its_image_and_is_rounded_down() {
        let links = links("0123456789abcdef0123456789abcdef");
        let link = links.make(Uuid::new_v4(), at(1_000), at(1_002) + time::Duration::milliseconds(999));
        assert_eq!(verify(&links, &link).unwrap().expires, 1_002);
    }

    #[test]
    fn link_is_refused_under_another_key() {
        let link = links("0123456789abcdef0123456789abcdef").make(Uuid::new_v4(), at(1_000), at(2_000));
        assert_eq!(verify(&links("another key, just as long as it is"), &link), Err(Tampered));
    }

    #[test]
    fn link_is_refused_when_its_expiry_was_changed() {
        let links = links("0123456789abcdef0123456789abcdef");
        let link = links.make(Uuid::new_v4(), at(1_000), at(100_000));
        for changed in
            ["expires=1301", "expires=01300", "expires=%31300", "expires=1300&expires=9999", "expires=", ""]
        {
            assert_eq!(verify(&links, &link.replace("expires=1300", changed)), Err(Tampered), "{changed}");
        }
    }

    #[test]
    fn link_is_refused_when_its_id_is_spelled_otherwise() {
        let links = links("0123456789abcdef0123456789abcdef");
        let id = Uuid::from_u128(0xabcd_ef00_0000_0000_0000_0000_0000_0001);
        let link = links.make(id, at(1_000), at(2_000));
        assert!(verify(&links, &link).is_ok());
        assert_eq!(
            verify(&links, &link.replace(&id.to_string(), &id.to_string().to_uppercase())),
            Err(Tampered)
        );
        assert_eq!(verify(&links, &link.replace(&id.to_string(), &id.simple().to_string())), Err(Tampered));
    }

    proptest! {
        /// Any one character of path or query, replaced by any other, makes it another link than the one that
        /// was signed.
        #[test]
        fn link_is_refused_when_any_of_its_characters_was_changed(
            id: u128, now in 0..4_000_000_000_i64, left in 1..100_000_i64, place: prop::sample::Index, other in "[ -~]",
        ) {
            let links = links("0123456789abcdef0123456789abcdef");
            let link = links.make(Uuid::from_u128(id), at(now), at(now + left));
            let signed = link.find("/images/").unwrap() + "/images/".len();
            let place = signed + place.index(link.len() - signed);
            prop_assume!(link[place..=place] != other);
            let changed = format!("{}{other}{}", &link[..place], &link[place + 1..]);
            prop_assert_eq!(verify(&links, &changed), Err(Tampered));
        }

        #[test]
        fn link_is_refused_with_any_other_signature(signature in "[A-Za-z0-9_-]{0,64}") {
            let links = links("0123456789abcdef0123456789abcdef");
            let query = format!("expires=1300&signature={signature}");
            prop_assert_eq!(links.verify(&Uuid::nil().to_string(), &query), Err(Tampered));
        }
    }
}
