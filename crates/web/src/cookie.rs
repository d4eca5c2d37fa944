//! The two cookies: the session of who is signed in, and the visit of who is not (yet).
//!
//! Both are `__Host-` cookies: a browser takes them only over TLS, for this host alone, and sends them to every
//! path; no neighbouring host can set them.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use service::Secret;

/// Its value is the api's bearer token. No script can read it.
pub(crate) const SESSION: &str = "__Host-session";

/// Its value is random and means nothing; forms that are sent before signing in are tied to it.
pub(crate) const VISIT: &str = "__Host-visit";

const FLAGS: &str = "Path=/; HttpOnly; Secure; SameSite=Lax";

/// Shorter would not be a secret, and we make none that is longer.
const LENGTHS: std::ops::RangeInclusive<usize> = 32..=128;

/// What a browser sent under a cookie's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Nothing,
    /// It has the form of ours.
    Value(Secret),
    /// It cannot be one of ours: cut short, garbage, or there are two and nobody knows which is whose.
    Garbage,
}

/// Looks for a cookie by its name.
pub(crate) fn sent(headers: &HeaderMap, name: &str) -> Sent {
    let mut values = headers.get_all(header::COOKIE).into_iter().flat_map(|header| {
        let pairs = header.as_bytes().split(|byte| *byte == b';');
        pairs.filter_map(|pair| value_of(pair.trim_ascii(), name))
    });
    match (values.next(), values.next()) {
        (None, _) => Sent::Nothing,
        (Some(value), None) if is_sane(value) => {
            Sent::Value(Secret::new(String::from_utf8_lossy(value).into_owned()))
        }
        _ => Sent::Garbage,
    }
}

fn value_of<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

/// Base64url, as both kinds of value are.
fn is_sane(value: &[u8]) -> bool {
    LENGTHS.contains(&value.len())
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// `Set-Cookie` for a new session; none for a token that no cookie can hold. The browser forgets it after
/// `lifetime`, when the api has forgotten it too.
pub(crate) fn session(token: &Secret, lifetime: Duration) -> Option<HeaderValue> {
    let (token, seconds) = (token.expose(), lifetime.as_secs());
    let sane = is_sane(token.as_bytes());
    sane.then(|| secret(&format!("{SESSION}={token}; {FLAGS}; Max-Age={seconds}")))?
}

/// `Set-Cookie` that makes the browser forget the session.
pub(crate) fn no_session() -> HeaderValue {
    HeaderValue::from_static("__Host-session=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0")
}

/// `Set-Cookie` for a visit; it ends when the browser is closed.
pub(crate) fn visit(value: &Secret) -> Option<HeaderValue> {
    secret(&format!("{VISIT}={}; {FLAGS}", value.expose()))
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::{HeaderMap, HeaderValue};
    use rstest::rstest;
    use service::Secret;

    use super::{SESSION, Sent, no_session, sent, session, visit};

    const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ-_01234";
    const VALID: &[u8] = b"__Host-session=abcdefghijklmnopqrstuvwxyz0123456789";

    fn found(headers: &[&[u8]]) -> Sent {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append("cookie", HeaderValue::from_bytes(header).unwrap());
        }
        sent(&map, SESSION)
    }

    #[test]
    fn session_is_found_among_other_cookies() {
        let header = format!("theme=dark; {SESSION}={TOKEN}; x=y");
        assert_eq!(found(&[header.as_bytes()]), Sent::Value(Secret::new(TOKEN)));
    }

    #[rstest]
    #[case::no_cookie(&[])]
    #[case::empty_header(&[""])]
    #[case::other_name(&["session=abcdefghijklmnopqrstuvwxyz0123456789"])]
    #[case::longer_name(&["x__Host-session=abcdefghijklmnopqrstuvwxyz0123456789"])]
    #[case::no_value(&["__Host-session"])]
    fn absence_is_told_from_garbage(#[case] headers: &[&str]) {
        let headers: Vec<_> = headers.iter().map(|header| header.as_bytes()).collect();
        assert_eq!(found(&headers), Sent::Nothing);
    }

    #[rstest]
    #[case::cut_short(b"__Host-session=abcdef")]
    #[case::empty(b"__Host-session=")]
    #[case::too_long(&[b"__Host-session=".as_slice(), &[b'a'; 129]].concat())]
    #[case::markup(b"__Host-session=<script>alert(1)</script>_________________")]
    #[case::blank_inside(b"__Host-session=abcdefghijklmnopqrstuvwxyz01234 56789")]
    #[case::not_utf8(b"__Host-session=abcdefghijklmnopqrstuvwxyz0123456789\xff")]
    #[case::quoted(b"__Host-session=\"abcdefghijklmnopqrstuvwxyz0123456789\"")]
    #[case::twice(&[VALID, b"; ", VALID].concat())]
    fn what_cannot_be_ours_is_garbage(#[case] header: &[u8]) {
        assert_eq!(found(&[header]), Sent::Garbage);
    }

    #[test]
    fn two_sessions_in_two_headers_are_garbage() {
        assert!(matches!(found(&[VALID]), Sent::Value(_)));
        assert_eq!(found(&[VALID, VALID]), Sent::Garbage);
    }

    #[test]
    fn every_cookie_has_every_flag() {
        let set = session(&Secret::new(TOKEN), Duration::from_secs(90)).unwrap();
        assert_eq!(
            set,
            format!("__Host-session={TOKEN}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=90").as_str()
        );
        for cookie in [set, no_session(), visit(&Secret::new(TOKEN)).unwrap()] {
            let text = cookie.to_str().unwrap();
            for flag in ["__Host-", "; Path=/;", "; HttpOnly;", "; Secure;", "; SameSite=Lax"] {
                assert!(text.contains(flag), "{text}");
            }
            assert!(!text.contains("Domain"), "{text}");
        }
    }

    #[test]
    fn token_that_would_break_out_of_its_cookie_is_not_set() {
        let token = Secret::new(format!("{TOKEN}; Domain=example.org"));
        assert_eq!(session(&token, Duration::from_secs(90)), None);
    }
}
