//! Who asks: from where, and signed in or not. As arguments of handlers.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use service::http::{ClientAddress, RequestId};
use service::{Problem, Secret};
use web::page::Shell;

use crate::cookie::{self, Sent};
use crate::csrf::Csrf;
use crate::error::PageError;
use crate::notice::Notice;

/// Where a request comes from; the api is told.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) address: ClientAddress,
    pub(crate) request_id: RequestId,
}

/// Somebody with a session's cookie. Whether the session still lives, the api knows.
pub(crate) struct SignedIn {
    pub(crate) token: Secret,
    pub(crate) caller: Caller,
}

/// Somebody at a form for which nobody has to be signed in.
pub(crate) struct Visit {
    pub(crate) value: Secret,
    /// The browser does not know it yet.
    pub(crate) is_new: bool,
    pub(crate) caller: Caller,
}

impl SignedIn {
    /// What the tokens of this person's forms are made from.
    pub(crate) fn csrf(&self) -> Csrf {
        Csrf::of(&self.token)
    }

    /// What is around this person's pages.
    pub(crate) fn shell(&self, notice: Option<Notice>) -> Shell {
        Shell {
            signed_in: true,
            csrf: self.csrf().token(),
            notice: notice.map(|notice| notice.text().into()),
        }
    }
}

impl Visit {
    /// What the tokens of this visit's forms are made from.
    pub(crate) fn csrf(&self) -> Csrf {
        Csrf::of(&self.value)
    }

    /// What is around this visit's pages.
    pub(crate) fn shell(&self, notice: Option<Notice>) -> Shell {
        Shell {
            signed_in: false,
            csrf: self.csrf().token(),
            notice: notice.map(|notice| notice.text().into()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        let address = parts.extensions.get::<ClientAddress>().copied();
        let request_id = parts.extensions.get::<RequestId>().cloned();
        // Two layers of the router put them there.
        let (Some(address), Some(request_id)) = (address, request_id) else {
            return Err(Problem::internal().into());
        };
        Ok(Self { address, request_id })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match cookie::sent(&parts.headers, cookie::SESSION) {
            Sent::Value(token) => Ok(Self { token, caller }),
            Sent::Nothing | Sent::Garbage => Err(PageError::NotSignedIn),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(match cookie::sent(&parts.headers, cookie::VISIT) {
            Sent::Value(value) => Self { value, is_new: false, caller },
            Sent::Nothing | Sent::Garbage => Self { value: random(), is_new: true, caller },
        })
    }
}

/// Whether somebody comes with a session's cookie. As an argument it never refuses.
pub(crate) struct MaybeSignedIn(pub(crate) bool);

impl<S: Send + Sync> FromRequestParts<S> for MaybeSignedIn {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(matches!(cookie::sent(&parts.headers, cookie::SESSION), Sent::Value(_))))
    }
}

/// 256 bits that nobody can guess, in base64url.
pub(crate) fn random() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}
