//! Signed links: whoever holds one may fetch one image until one moment, and nothing else.

mod keys;
#[cfg(test)]
mod tests;

use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::config::LinkConfig;
pub(crate) use keys::SigningKeys;

/// Keeps these signatures apart from any other use of the key.
const PURPOSE: &[u8] = b"shakedown image link 1\n";

/// Makes links and checks them.
#[derive(Clone)]
pub(crate) struct Links {
    public_origin: String,
    ttl: time::Duration,
    keys: SigningKeys,
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
        Self {
            public_origin: config.public_origin.as_str().to_owned(),
            ttl: time::Duration::try_from(config.ttl).unwrap_or(time::Duration::ZERO),
            keys: config.signing_keys.clone(),
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
        let signature = URL_SAFE_NO_PAD.encode(self.keys.sign(&message(&id, &expires)));
        format!("{}/images/{id}?expires={expires}&signature={signature}", self.public_origin)
    }

    /// Checks a link as it arrived, before anything in it is believed. The signature covers the very text of id and
    /// expiry, and around them there is one spelling only: two links that differ are never both ours.
    pub(crate) fn verify(&self, id: &str, query: &str) -> Result<ValidLink, Tampered> {
        let parts = query.strip_prefix("expires=").and_then(|rest| rest.split_once("&signature="));
        let (expires, signature) = parts.ok_or(Tampered)?;
        // Of the spellings that base64 has for the same bytes, this takes the one that it gives.
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Tampered)?;
        if !self.keys.verify(&message(id, expires), &signature) {
            return Err(Tampered);
        }
        Ok(ValidLink {
            image_id: id.parse().map_err(|_| Tampered)?,
            expires: expires.parse().map_err(|_| Tampered)?,
        })
    }
}

/// What is signed. Neither part of a link of ours holds a new line.
fn message<'a>(id: &'a str, expires: &'a str) -> [&'a [u8]; 4] {
    [PURPOSE, id.as_bytes(), b"\n", expires.as_bytes()]
}

/// The last part of the path and the query, neither of them decoded: a link of ours has nothing to decode.
pub(crate) fn parts(uri: &Uri) -> (&str, &str) {
    let id = uri.path().rsplit('/').next().unwrap_or_default();
    (id, uri.query().unwrap_or_default())
}
