//! Tokens that are none, and true ones where none belongs.

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::{Method, RequestBuilder};

use super::stage::{Groups, Stage};
use crate::{observation::Seen, probe::person::Person};

/// What the checks' groups are called.
pub(super) const GROUPS: &[&str] = &[
    "token.forged",
    "token.altered",
    "token.truncated",
    "token.oversized",
    "token.other_scheme",
    "token.in_query",
    "token.in_cookie",
    "token.case",
    "token.empty",
    "token.duplicated",
];

/// What is asked for: something that needs a session and changes nothing.
const ASKED: &str = "/api/v1/images";

/// Tries them all.
pub(super) async fn observe(stage: &Stage<'_>) -> Seen<Groups> {
    let client = stage.client(14).await?;
    // The proxy's log holds queries. A token in one is told by this trial and by nobody else, so it is none of the
    // secrets that the run's surfaces are searched for.
    let unrecorded = client.unrecorded();
    let tara = stage.person(&client, "tara").await?;
    let tim = stage.session(&Person::new(&unrecorded, "", ""), "tara", &[]).await?;
    let token = tara.token().unwrap_or_default().to_owned();
    let mut groups = Groups::default();
    for group in GROUPS {
        groups.control(group, "the true token", tara.get("token.true", ASKED).await);
    }
    for (group, told, headers) in wrong_headers(&token) {
        let with = |request: RequestBuilder| {
            headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
        };
        groups.trial(group, told, client.send(group, Method::GET, ASKED, with).await);
    }
    let told = tim.token().unwrap_or_default();
    for name in ["access_token", "token", "authorization", "session"] {
        let path = format!("{ASKED}?{name}={told}");
        groups.trial("token.in_query", format!("?{name}="), unrecorded.get("token.in_query", &path).await);
    }
    for group in GROUPS {
        groups.kept(group, "the true token afterwards", tara.get("token.true", ASKED).await);
    }
    end(&tim).await;
    Ok(groups)
}

async fn end(person: &Person) {
    person.delete("end", "/api/v1/sessions/current").await;
}

type Headers = Vec<(&'static str, String)>;

/// Each with the group it belongs to and a name.
fn wrong_headers(token: &str) -> Vec<(&'static str, String, Headers)> {
    let mut all = Vec::new();
    let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
    let mut add = |group, told: &str, headers: Headers| all.push((group, told.to_owned(), headers));

    let random = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let unsigned =
        format!("{}.{}.", part(r#"{"alg":"none","typ":"JWT"}"#), part(r#"{"sub":"1","admin":true}"#));
    for (told, forged) in [
        ("random bytes", random.as_str()),
        ("an unsigned JWT", unsigned.as_str()),
        ("`null`", "null"),
        ("`*`", "*"),
        ("SQL", "' OR '1'='1"),
        ("a pattern of Redis", "session:*"),
        ("zero", "0"),
    ] {
        add("token.forged", told, bearer(forged));
    }
    for at in [0, token.len() / 2, token.len().saturating_sub(1)] {
        add("token.altered", &format!("another character at {at}"), bearer(&altered(token, at)));
    }
    for (told, part) in [
        ("without its end", &token[..token.len() - 1]),
        ("without its beginning", &token[1..]),
        ("a half", &token[..token.len() / 2]),
        ("one character", &token[..1]),
    ] {
        add("token.truncated", told, bearer(part));
    }
    for (told, more) in
        [("a character", "A".to_owned()), ("itself", token.to_owned()), ("8 KiB", "A".repeat(8192))]
    {
        add("token.oversized", &format!("with {told} behind it"), bearer(&format!("{token}{more}")));
    }
    let basic = BASE64_STANDARD.encode(format!("{token}:"));
    for scheme in [
        format!("Basic {basic}"),
        format!("Basic {token}"),
        format!("Digest {token}"),
        format!("Token {token}"),
        format!("Bearer:{token}"),
        format!("Bearer={token}"),
        token.to_owned(),
    ] {
        let told = scheme.replace(token, "TOKEN").replace(&basic, "BASE64");
        add("token.other_scheme", &format!("`{told}`"), vec![("authorization", scheme)]);
    }
    for name in ["__Host-session", "session", "token", "authorization"] {
        add("token.in_cookie", &format!("cookie `{name}`"), vec![("cookie", format!("{name}={token}"))]);
    }
    for (told, cased) in [("upper", token.to_ascii_uppercase()), ("lower", token.to_ascii_lowercase())] {
        // A token of one case only has no other.
        if cased != token {
            add("token.case", &format!("in {told} case"), bearer(&cased));
        }
    }
    for (told, empty) in [("nothing", ""), ("`Bearer`", "Bearer"), ("`Bearer` and blanks", "Bearer   \t")] {
        add("token.empty", told, vec![("authorization", empty.into())]);
    }
    let (mut first, mut last) = (bearer(token), bearer(&random));
    first.append(&mut bearer(&random));
    last.append(&mut bearer(token));
    add("token.duplicated", "the true one and a forged one", first);
    add("token.duplicated", "a forged one and the true one", last);
    add(
        "token.duplicated",
        "both in one header",
        vec![("authorization", format!("Bearer {token}, Bearer {random}"))],
    );
    all
}

/// The token with another character at `at`.
fn altered(token: &str, at: usize) -> String {
    let mut characters: Vec<char> = token.chars().collect();
    if let Some(character) = characters.get_mut(at) {
        *character = if *character == 'A' { 'B' } else { 'A' };
    }
    characters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wrong_header_is_the_right_one_and_every_group_has_some() {
        let token = "abcDEFghiJKLmnoPQRstuVWXyz0123456789-_abcde";
        let right = vec![("authorization", format!("Bearer {token}"))];
        let wrong = wrong_headers(token);
        assert!(wrong.iter().all(|(.., headers)| *headers != right));
        for group in GROUPS.iter().filter(|group| **group != "token.in_query") {
            assert!(wrong.iter().any(|(of, ..)| of == group), "{group}");
        }
    }
}
