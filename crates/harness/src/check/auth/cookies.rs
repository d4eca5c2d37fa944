//! `auth.cookie.*`: what a browser is told to do with the cookies it gets.

use super::{Check, Finding, Subject, part, with};
use crate::observation::SetCookie;

/// The cookie that holds the session, as a browser must know it (RFC 6265bis, 4.1.3.2: the prefix is a promise).
const SESSION: &str = "__Host-session";
/// Whose name ends in this is taken for the session, even without the prefix.
const SESSION_ENDS: &str = "session";

pub(super) fn checks() -> Vec<Check> {
    let has = |name: &'static str| move |cookie: &SetCookie| cookie.attributes.contains_key(name);
    vec![
        of_each("http_only", "No script can read a cookie", "HttpOnly on every cookie", has("httponly")),
        of_each("secure", "No cookie travels without TLS", "Secure on every cookie", has("secure")),
        of_each(
            "same_site",
            "No other site's request carries a cookie, but for a plain visit",
            "SameSite=Lax or Strict on every cookie",
            |cookie| {
                let value = cookie.attributes.get("samesite").map(|value| value.to_ascii_lowercase());
                matches!(value.as_deref(), Some("lax" | "strict"))
            },
        ),
        of_each(
            "host_prefix",
            "No neighbour under the same domain can read or set a cookie",
            "a name with `__Host-` and no Domain on every cookie",
            |cookie| cookie.name.starts_with("__Host-") && !cookie.attributes.contains_key("domain"),
        ),
        of_each(
            "path",
            "Every cookie is for the whole origin, as its prefix promises",
            "Path=/ on every cookie",
            |cookie| cookie.attributes.get("path").map(String::as_str) == Some("/"),
        ),
        Check::new(
            "auth.cookie.cleared",
            Subject::Auth,
            "Logging out takes the session's cookie back",
            "the session's cookie, empty and out of time",
            |seen| with(seen, |auth| part(auth.cookies.as_ref(), |cookies| cleared(cookies))),
        ),
    ]
}

fn of_each(
    name: &str,
    claim: &str,
    expected: &str,
    right: impl Fn(&SetCookie) -> bool + Send + Sync + 'static,
) -> Check {
    Check::new(format!("auth.cookie.{name}"), Subject::Auth, claim, expected, move |seen| {
        with(seen, |auth| {
            part(auth.cookies.as_ref(), |cookies| {
                if let Err(why) = has_session(cookies) {
                    return Finding::Unknown(why);
                }
                match cookies.iter().find(|cookie| !right(cookie)) {
                    Some(cookie) => Finding::Fail(told(cookie), None),
                    None => Finding::Pass(format!("all of {} cookies", cookies.len())),
                }
            })
        })
    })
}

fn cleared(cookies: &[SetCookie]) -> Finding {
    if let Err(why) = has_session(cookies) {
        return Finding::Unknown(why);
    }
    let of_log_out = |cookie: &&SetCookie| cookie.step == "log-out" && cookie.name == SESSION;
    let Some(cookie) = cookies.iter().rfind(of_log_out) else {
        return Finding::Fail("log-out sets no cookie of the session's name".into(), None);
    };
    let over =
        cookie.attributes.get("max-age").is_some_and(|age| age.parse::<i64>().is_ok_and(|age| age <= 0));
    Finding::judged(over && !cookie.has_value, told(cookie))
}

fn has_session(cookies: &[SetCookie]) -> Result<(), String> {
    let is_session = |cookie: &SetCookie| cookie.has_value && cookie.name.ends_with(SESSION_ENDS);
    if cookies.iter().any(is_session) { Ok(()) } else { Err("nobody was given a session's cookie".into()) }
}

/// The cookie as it was set, without its value.
fn told(cookie: &SetCookie) -> String {
    let attributes = cookie.attributes.iter().map(|(name, value)| match value.as_str() {
        "" => name.clone(),
        value => format!("{name}={value}"),
    });
    let attributes: Vec<_> = attributes.collect();
    format!("{} sets {}: {}", cookie.step, cookie.name, attributes.join("; "))
}
