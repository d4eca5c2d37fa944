//! What is not for the outside, asked for in every spelling that has ever got past a rule.

use super::{Raw, Written, ask_all};
use crate::observation::Row;

/// A path that nobody serves: what comes back for it beside a telling header was brought in by the header.
const NOTHING: &str = "/nothing-here";

/// Asks for the operators' path `name` of web and, where that is closed too, of the api.
pub(super) async fn knock(raw: &Raw, name: &str, at_the_api: bool) -> Vec<Row> {
    let mut all = spellings("", name, &raw.authority);
    if at_the_api {
        all.extend(spellings("/api", name, &raw.authority));
    }
    ask(raw, name, all).await
}

/// Asks for what Caddy's admin API and Go's own debugging serve.
pub(super) async fn knock_at_admin(raw: &Raw) -> Vec<Row> {
    let paths = [
        "/config",
        "/config/",
        "/config/apps/http/servers",
        "/load",
        "/stop",
        "/adapt",
        "/id/x",
        "/debug/vars",
        "/debug/pprof/",
        "/debug/pprof/cmdline",
        "/pki/ca/local",
        "/reverse_proxy/upstreams",
        "/admin",
        "/admin/",
        "/api/config/",
        "/api/debug/pprof/",
        "/proxy/config/",
        "/proxy/health/../../config/",
        "/server-status",
    ];
    let mut all: Vec<Written> = paths.into_iter().map(Written::get).collect();
    all.push(Written::get("/load").by("POST"));
    all.push(Written::get("/stop").by("POST"));
    all.push(Written::get("/config/").by("DELETE"));
    all.push(Written::get("/config/").with("host", "localhost:2019"));
    all.push(Written::get("http://localhost:2019/config/"));
    ask(raw, "admin", all).await
}

async fn ask(raw: &Raw, name: &str, all: Vec<Written>) -> Vec<Row> {
    let all = all.into_iter().map(|written| (written.to_string(), written));
    ask_all(raw, &format!("closed.{name}"), all).await
}

/// The ways to write the path `{below}/{name}`.
fn spellings(below: &str, name: &str, authority: &str) -> Vec<Written> {
    let path = format!("{below}/{name}");
    let (first, rest) = name.split_at(1);
    let upper = name.to_uppercase();
    let capital = format!("{}{rest}", first.to_uppercase());
    let encode = |text: &str| {
        text.bytes().fold(String::new(), |encoded, byte| encoded + "%" + hex::encode([byte]).as_str())
    };
    let (encoded, whole) = (format!("{}{rest}", encode(first)), encode(name));
    let twice = encoded.replace('%', "%25");
    let mut paths = vec![path.clone()];
    for end in [
        "/", "//", "/.", "/..;/", "?", "?x=1", ";x", ";/", "%00", "%20", "%09", "%0a", "%23", "%3f", ".",
        ".json", "/%2e%2e/",
    ] {
        paths.push(format!("{path}{end}"));
    }
    for last in [&upper, &capital, &encoded, &whole, &twice] {
        paths.push(format!("{below}/{last}"));
    }
    for between in [
        "//",
        "/./",
        "/%2e/",
        "/.//",
        "/;/",
        "/x/../",
        "/x/%2e%2e/",
        "/x/..%2f",
        "%2f",
        "/%2f",
        "%5c",
        "/%5c",
        "%252f",
        "/..;/",
    ] {
        // A path begins with a slash.
        if !below.is_empty() || between.starts_with('/') {
            paths.push(format!("{below}{between}{name}"));
        }
    }
    paths.push(format!("//{authority}{path}"));
    for elsewhere in [
        "/images/..",
        "/images/%2e%2e",
        "/assets/..",
        "/proxy/health/../..",
        "/api/v1/../..",
        "/api/v1/%2e%2e/..",
    ] {
        paths.push(format!("{elsewhere}{path}"));
    }
    if !below.is_empty() {
        // With a prefix that is taken away once too often or not often enough.
        paths.extend(["/api/v1/../", "/api/v1/%2e%2e/"].map(|before| format!("{before}{name}")));
        paths.push(format!("/{path}"));
        paths.push(format!("{}/{name}", below.to_uppercase()));
        paths.push(format!("{below}{below}/{name}"));
        paths.push(format!("/{}{}/{name}", encode(&below[1..2]), &below[2..]));
    }
    let mut all: Vec<Written> = paths.into_iter().map(Written::get).collect();
    for method in ["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"] {
        all.push(Written::get(&path).by(method));
    }
    all.push(
        Written::get(NOTHING).by("POST").with("x-http-method-override", "GET").with("x-original-url", &path),
    );
    for header in [
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-uri",
        "x-forwarded-path",
        "x-forwarded-prefix",
        "x-envoy-original-path",
    ] {
        all.push(Written::get(NOTHING).with(header, &path));
        all.push(Written::get("/api/v1/nothing-here").with(header, format!("/{name}")));
    }
    for origin in [
        format!("https://{authority}"),
        "http://localhost".into(),
        "http://api:8000".into(),
        "http://web:3000".into(),
    ] {
        all.push(Written::get(format!("{origin}{path}")));
    }
    for host in ["localhost", "127.0.0.1", "api:8000", "web:3000", "proxy"] {
        all.push(Written::get(&path).with("host", host));
    }
    for (header, value) in
        [("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "127.0.0.1"), ("forwarded", "for=127.0.0.1")]
    {
        all.push(Written::get(&path).with(header, value));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_spelling_can_be_sent_and_is_another() {
        for below in ["", "/api"] {
            let all = spellings(below, "metrics", "shakedown.localhost:8443");
            let told: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
            assert_eq!(told.len(), all.len());
            for written in &all {
                assert!(written.target.parse::<hyper::Uri>().is_ok(), "{written}");
                assert!(written.method.parse::<hyper::Method>().is_ok(), "{written}");
            }
        }
    }

    #[test]
    fn spellings_look_as_they_should() {
        let all = spellings("/api", "ready", "h");
        let told: Vec<String> = all.iter().map(ToString::to_string).collect();
        for expected in [
            "GET /api/ready",
            "GET /api/%72eady",
            "GET /api/%2572eady",
            "GET /api/READY",
            "GET /API/ready",
            "GET //api/ready",
            "GET /%61pi/ready",
            "GET /api/x/../ready",
            "GET http://api:8000/api/ready",
            "TRACE /api/ready",
            "GET /nothing-here with x-original-url: /api/ready",
        ] {
            assert!(told.iter().any(|told| told == expected), "{expected} is missing in {told:?}");
        }
    }
}
