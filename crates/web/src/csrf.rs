//! The token that shows that a form comes from a page of ours: only such a page was told it.
//!
//! It is a MAC of a fixed word under the value of the browser's own cookie, so it need not be stored, and dies
//! with the cookie. Each page shows it under a fresh mask: a compressed page that an attacker could make a
//! browser fetch over and over (BREACH) never holds the same bytes twice.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use service::Secret;
use sha2::Sha256;

const WORD: &[u8] = b"web form";
const BYTES: usize = 32;

/// Makes and checks the tokens of one cookie.
pub(crate) struct Csrf {
    mac: Hmac<Sha256>,
}

impl Csrf {
    /// The tokens that belong to this cookie's value.
    pub(crate) fn of(cookie: &Secret) -> Self {
        let mac = Hmac::<Sha256>::new_from_slice(cookie.expose().as_bytes());
        let mac = mac.unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        Self { mac: mac.chain_update(WORD) }
    }

    /// A token for one page, different each time: mask, then masked MAC, in base64url.
    pub(crate) fn token(&self) -> String {
        let mask: [u8; BYTES] = rand::random();
        let mac: [u8; BYTES] = self.mac.clone().finalize().into_bytes().into();
        URL_SAFE_NO_PAD.encode([mask, xor(mask, mac)].concat())
    }

    /// Whether a token was made for this cookie. Takes the same time for every wrong one.
    pub(crate) fn accepts(&self, token: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else {
            return false;
        };
        let halves = bytes.split_at_checked(BYTES).and_then(|(mask, masked)| {
            Some((<[u8; BYTES]>::try_from(mask).ok()?, <[u8; BYTES]>::try_from(masked).ok()?))
        });
        halves.is_some_and(|(mask, masked)| self.mac.clone().verify_slice(&xor(mask, masked)).is_ok())
    }
}

fn xor(left: [u8; BYTES], right: [u8; BYTES]) -> [u8; BYTES] {
    std::array::from_fn(|index| left[index] ^ right[index])
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use rstest::rstest;
    use service::Secret;

    use super::Csrf;

    fn csrf(cookie: &str) -> Csrf {
        Csrf::of(&Secret::new(cookie))
    }

    #[test]
    fn token_is_accepted_for_its_own_cookie_and_for_no_other() {
        let token = csrf("cookie-of-ada").token();
        assert!(csrf("cookie-of-ada").accepts(&token));
        assert!(!csrf("cookie-of-bob").accepts(&token));
    }

    #[test]
    fn token_never_looks_the_same_twice_and_does_not_hold_the_cookie() {
        let (first, second) = (csrf("cookie").token(), csrf("cookie").token());
        assert_ne!(first, second);
        assert_ne!(first[..43], second[..43]);
        assert_ne!(first[43..], second[43..]);
        let bytes = URL_SAFE_NO_PAD.decode(first).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"cookie"));
    }

    #[rstest]
    #[case::empty("")]
    #[case::not_base64("<script>")]
    #[case::short("AAAA")]
    #[case::mask_alone("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    #[case::zeros("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    fn token_of_nobody_is_refused(#[case] token: &str) {
        assert!(!csrf("cookie").accepts(token));
    }

    #[test]
    fn token_is_refused_when_any_of_its_characters_was_changed() {
        let csrf = csrf("cookie");
        let token = csrf.token();
        for index in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert!(!csrf.accepts(std::str::from_utf8(&changed).unwrap()), "{index}");
        }
        assert!(!csrf.accepts(&token[1..]) && !csrf.accepts(&format!("{token}A")));
    }
}
