//! What other origins may ask of the api: every origin that has ever got past a rule, by every kind of request.

use reqwest::Method;

use super::{
    http::{Client, Exchange},
    person::Person,
};
use crate::{
    observation::{Cors, CorsOf, CorsRow, Preflight, Row, Seen},
    running::RunningStack,
};

/// An origin that is never allowed.
const ELSEWHERE: &str = "https://elsewhere.example";

/// What is one person's alone.
const LIST: &str = "/api/v1/images";
/// A link that nobody has signed: its refusal is as good to see who may read it.
const LINK: &str = "/images/018f0000-0000-7000-8000-000000000000";

/// Asks.
pub async fn observe(running: &RunningStack) -> Seen<Cors> {
    let api = running.service("api")?;
    let allowed = api.environment.get("ALLOWED_ORIGIN").map(String::as_str).unwrap_or_default();
    let allowed: Vec<String> =
        allowed.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned).collect();
    let door = running.entrance().await?;
    let email = format!("cors-{}@example.org", running.plan().run.marker);
    let mut person = Person::new(&door, &email, running.password().reveal());
    person.sign_up("cors.sign_up").await;
    let login = person.log_in("cors.login", None).await;
    let token =
        person.token().ok_or_else(|| format!("logging in was answered {}", login.outcome()))?.to_owned();

    let mut rows = Vec::new();
    for origins in origins(&allowed, &running.public_origin()?) {
        let is_allowed = origins.len() == 1 && allowed.contains(&origins[0]);
        for asked in asked(is_allowed) {
            rows.push(ask(&door, &token, &origins, asked).await);
        }
    }
    Ok(Cors { allowed, rows })
}

/// Every way to name an origin that is allowed, or that only looks like it. Several are several headers.
fn origins(allowed: &[String], public_origin: &str) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = allowed.iter().map(|origin| vec![origin.clone()]).collect();
    for origin in allowed {
        let (scheme, authority) = origin.split_once("://").unwrap_or(("https", origin));
        let host = authority.split(':').next().unwrap_or_default();
        let other = if scheme == "https" { "http" } else { "https" };
        let tricks = [
            format!("{other}://{authority}"),
            format!("{scheme}://{host}:4443"),
            format!("{scheme}://sub.{authority}"),
            format!("{scheme}://not{authority}"),
            format!("{scheme}://{host}.elsewhere.example"),
            format!("{scheme}://{host}-elsewhere.example"),
            format!("{scheme}://elsewhere.example?{authority}"),
            format!("{scheme}://elsewhere.example#{origin}"),
            format!("{scheme}://{authority}@elsewhere.example"),
            format!("{scheme}://{}", host.replace('.', "x")),
            origin.to_uppercase(),
            format!("{origin}/"),
            format!("{origin}, {ELSEWHERE}"),
            format!("{ELSEWHERE}, {origin}"),
            authority.to_owned(),
        ];
        all.extend(tricks.map(|trick| vec![trick]));
        all.push(vec![origin.clone(), ELSEWHERE.into()]);
        all.push(vec![ELSEWHERE.into(), origin.clone()]);
    }
    let others =
        [public_origin, "null", ELSEWHERE, "", "*", "file://", "https://localhost", "http://127.0.0.1"];
    all.extend(others.map(|origin| vec![origin.to_owned()]));
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|origins| seen.insert(origins.clone()));
    all
}

/// One kind of request.
struct Asked {
    of: CorsOf,
    method: &'static str,
    path: &'static str,
    credential: Credential,
    /// The method and the header that it asks leave for, where that is all it does.
    preflight: Option<(&'static str, Option<&'static str>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Credential {
    None,
    Bearer,
    Cookie,
}

fn asked(is_allowed: bool) -> Vec<Asked> {
    let one = |of, method, path, credential| Asked { of, method, path, credential, preflight: None };
    let preflight = |of, path, method, header| Asked {
        of,
        method: "OPTIONS",
        path,
        credential: Credential::None,
        preflight: Some((method, header)),
    };
    let mut all = vec![
        one(CorsOf::Api, "GET", LIST, Credential::Bearer),
        one(CorsOf::Api, "GET", LIST, Credential::Cookie),
        one(CorsOf::Api, "POST", LIST, Credential::None),
        preflight(CorsOf::Api, LIST, "POST", Some("authorization")),
        one(CorsOf::Images, "GET", LINK, Credential::None),
        one(CorsOf::Web, "GET", "/log-in", Credential::Cookie),
        preflight(CorsOf::Web, "/log-in", "POST", Some("content-type")),
    ];
    if is_allowed {
        for method in ["GET", "PUT", "DELETE", "PATCH", "BREW"] {
            all.push(preflight(CorsOf::Api, LIST, method, Some("authorization")));
        }
        for header in ["content-type", "idempotency-key", "x-anything"] {
            all.push(preflight(CorsOf::Api, LIST, "POST", Some(header)));
        }
        all.push(preflight(CorsOf::Api, LIST, "GET", None));
        all.push(preflight(CorsOf::Images, LINK, "GET", None));
    }
    all
}

async fn ask(door: &Client, token: &str, origins: &[String], asked: Asked) -> CorsRow {
    let Asked { of, method, path, credential, preflight } = asked;
    let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
    let sent = door.send("cors", method, path, |mut request| {
        for origin in origins {
            request = request.header("origin", origin);
        }
        request = match credential {
            Credential::None => request,
            Credential::Bearer => request.bearer_auth(token),
            Credential::Cookie => request.header("cookie", format!("__Host-session={token}")),
        };
        if let Some((method, header)) = preflight {
            request = request.header("access-control-request-method", method);
            if let Some(header) = header {
                request = request.header("access-control-request-headers", header);
            }
        }
        request
    });
    let Exchange { request, answer, .. } = sent.await;
    let with = match (credential, preflight) {
        (Credential::Bearer, _) => " with a session".to_owned(),
        (Credential::Cookie, _) => " with a cookie".to_owned(),
        (_, Some((method, header))) => format!(" for {method} with {}", header.unwrap_or("no header")),
        _ => String::new(),
    };
    let from: Vec<String> = origins.iter().map(|origin| format!("`{origin}`")).collect();
    let asked = format!("{request}{with} from {}", from.join(" and "));
    let preflight = preflight
        .map(|(method, header)| Preflight { method: method.into(), header: header.map(str::to_owned) });
    CorsRow { row: Row { asked, answer }, origins: origins.to_vec(), of, preflight }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_origin_is_tried_once() {
        let all = origins(&["https://allowed.example".into()], "https://shakedown.localhost:8443");
        for expected in [
            "https://allowed.example",
            "http://allowed.example",
            "https://sub.allowed.example",
            "https://notallowed.example",
            "https://allowed.example.elsewhere.example",
            "https://allowedxexample",
            "HTTPS://ALLOWED.EXAMPLE",
            "https://shakedown.localhost:8443",
            "null",
            "",
        ] {
            assert_eq!(all.iter().filter(|origins| origins[..] == [expected]).count(), 1, "{expected}");
        }
    }
}
