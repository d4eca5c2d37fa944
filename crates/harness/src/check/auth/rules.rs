//! What an answer must be like. A rule tells what it found instead.

use reqwest::Url;

use crate::{observation::AuthRow, probe::http::Answer};

/// Holds a row against a rule, where the stack is known to people by `origin`.
pub(super) type Rule = fn(&AuthRow, &str) -> Result<(), String>;

/// Where who has no session is sent.
const LOG_IN: &str = "/log-in";

/// The answer, unless it only says that nothing was looked at: a limit was hit, or something is down.
pub(super) fn answered(row: &AuthRow) -> Result<&Answer, String> {
    match &row.answer {
        Ok(answer) if matches!(answer.status, 429 | 503) => {
            Err(format!("answered {}, which tells nothing", answer.status))
        }
        Ok(answer) => Ok(answer),
        Err(why) => Err(format!("no answer ({why})")),
    }
}

fn holds(row: &AuthRow, right: impl FnOnce(&Answer) -> bool) -> Result<(), String> {
    let answer = answered(row)?;
    if row.shown.is_empty() && right(answer) { Ok(()) } else { Err(told(row, answer)) }
}

fn told(row: &AuthRow, answer: &Answer) -> String {
    // Without the query, which may hold a signature.
    let location = answer.header("location").and_then(|location| location.split('?').next());
    let to = location.map_or(String::new(), |location| format!(" to {location}"));
    let with = if row.shown.is_empty() { String::new() } else { format!(" with {}", row.shown.join(", ")) };
    format!("answered {}{to}{with}", answer.status)
}

/// A redirect to the log-in.
fn is_sent_to_log_in(answer: &Answer) -> bool {
    let to_log_in = |location: &str| location.split('?').next() == Some(LOG_IN);
    (300..400).contains(&answer.status) && answer.header("location").is_some_and(to_log_in)
}

fn is_unauthorised(answer: &Answer) -> bool {
    let bearer = |value: &str| value.to_ascii_lowercase().starts_with("bearer");
    answer.status == 401 && answer.header("www-authenticate").is_some_and(bearer)
}

/// It goes through.
pub(super) fn open(row: &AuthRow, _: &str) -> Result<(), String> {
    holds(row, |answer| (200..400).contains(&answer.status) && !is_sent_to_log_in(answer))
}

/// It does not go through, and shows nothing. What says which methods there are may succeed, with nothing to say.
pub(super) fn closed(row: &AuthRow, _: &str) -> Result<(), String> {
    let only_methods = |answer: &Answer| row.tried.contains("OPTIONS") && answer.body.is_empty();
    holds(row, |answer| {
        (300..500).contains(&answer.status) || (matches!(answer.status, 200 | 204) && only_methods(answer))
    })
}

/// It shows nothing, whatever it answers.
pub(super) fn shows_nothing(row: &AuthRow, _: &str) -> Result<(), String> {
    holds(row, |answer| answer.status < 500)
}

/// It is the asker's own, and shows nothing else.
pub(super) fn own(row: &AuthRow, _: &str) -> Result<(), String> {
    holds(row, |answer| answer.status == 200)
}

/// 401 that says how to do it better (RFC 9110, 11.6.1).
pub(super) fn unauthorised(row: &AuthRow, _: &str) -> Result<(), String> {
    holds(row, is_unauthorised)
}

/// The same, or a refusal of the request as a whole.
pub(super) fn ambiguous(row: &AuthRow, _: &str) -> Result<(), String> {
    holds(row, |answer| answer.status == 400 || is_unauthorised(answer))
}

/// It asks for a session: the api by its status, web by the way to the log-in.
pub(super) fn needs_session(row: &AuthRow, _: &str) -> Result<(), String> {
    holds(row, |answer| is_unauthorised(answer) || is_sent_to_log_in(answer))
}

/// There is no such thing.
pub(super) fn absent(row: &AuthRow, _: &str) -> Result<(), String> {
    holds(row, |answer| answer.status == 404)
}

/// It is refused.
pub(super) fn forbidden(row: &AuthRow, _: &str) -> Result<(), String> {
    holds(row, |answer| answer.status == 403)
}

/// It is refused, and no session is given.
pub(super) fn forbidden_without_session(row: &AuthRow, _: &str) -> Result<(), String> {
    holds(row, |answer| {
        let session = |(name, value): &(String, String)| name == "set-cookie" && value.contains("session=");
        answer.status == 403 && !answer.headers.iter().any(session)
    })
}

/// A redirect that a browser follows to a place of ours.
pub(super) fn stays(row: &AuthRow, origin: &str) -> Result<(), String> {
    holds(row, |answer| {
        let ours = || {
            let page = Url::parse(origin).ok()?.join(LOG_IN).ok()?;
            let target = page.join(answer.header("location")?).ok()?;
            Some(target.origin() == page.origin())
        };
        (300..400).contains(&answer.status) && ours() == Some(true)
    })
}

/// It was refused or taken as text: no failure of ours, and nothing unescaped.
pub(super) fn text(row: &AuthRow, _: &str) -> Result<(), String> {
    holds(row, |answer| answer.status < 500)
}

/// No cache may keep it.
pub(super) fn not_stored(row: &AuthRow, _: &str) -> Result<(), String> {
    let cached = answered(row)?.header("cache-control").unwrap_or_default().to_ascii_lowercase();
    if cached.split(',').any(|directive| directive.trim() == "no-store") {
        Ok(())
    } else if cached.is_empty() {
        Err("has no Cache-Control".into())
    } else {
        Err(format!("has Cache-Control: {cached}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::AuthRole;

    const ORIGIN: &str = "https://shakedown.localhost:8443";

    fn sent_to(location: &str) -> AuthRow {
        let headers = vec![("location".into(), location.into())];
        let answer = Answer { status: 303, headers, ..Answer::default() };
        AuthRow { role: AuthRole::Trial, tried: "x".into(), answer: Ok(answer), shown: Vec::new() }
    }

    #[test]
    fn a_redirect_stays_if_a_browser_would_stay() {
        for ours in [
            "/gallery",
            "gallery",
            "https://shakedown.localhost:8443/account",
            "/x?next=//evil.example",
            "https:path",
        ] {
            assert_eq!(stays(&sent_to(ours), ORIGIN), Ok(()), "{ours}");
        }
        for theirs in [
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "http:evil.example",
            "/\t/evil.example",
            "javascript:alert(1)",
            "http://shakedown.localhost:8443/",
        ] {
            assert!(stays(&sent_to(theirs), ORIGIN).is_err(), "{theirs}");
        }
    }

    #[test]
    fn a_redirect_to_the_log_in_is_no_way_through() {
        assert!(open(&sent_to("/log-in?next=/gallery"), "").is_err());
        assert_eq!(open(&sent_to("/gallery"), ""), Ok(()));
        assert_eq!(needs_session(&sent_to("/log-in?next=/gallery"), ""), Ok(()));
        assert!(needs_session(&sent_to("/log-in-elsewhere"), "").is_err());
    }

    #[test]
    fn what_shows_something_is_not_closed_whatever_its_status() {
        let mut row = sent_to("/images/1?signature=x");
        row.shown.push("a signature".into());
        assert_eq!(closed(&row, ""), Err("answered 303 to /images/1 with a signature".into()));
    }
}
