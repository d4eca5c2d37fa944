//! `proxy.*` on a sound stack, and the defects that each check is there for.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use stack::Stack;

use super::Defect;
use crate::{
    html::UsedAs,
    observation::{
        Admin, Asset, Certificate, Compared, Crawl, Distrust, Greeted, HelloAnswer, HostPort, Identified,
        Kind, Look, Observations, Places, Proxy, Redirected, Replicas, Row, Seen,
    },
    probe::{http::Answer, tls::Hello},
    runner::all_instances,
};

const ORIGIN: &str = "https://shakedown.localhost:8443";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
const CSS: &str = "p { color: red }";

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, headers, body: body.to_owned().into() }
}

/// What every answer says, besides what is given.
fn over_tls(status: u16, more: &[(&str, &str)], body: &str) -> Answer {
    let every = [
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("permissions-policy", "camera=()"),
        ("cache-control", "no-store"),
        ("x-request-id", "018f0000-0000-7000-8000-000000000000"),
    ];
    let more_names: Vec<&str> = more.iter().map(|(name, _)| *name).collect();
    let kept: Vec<(&str, &str)> = every
        .into_iter()
        .filter(|(name, _)| !more_names.contains(name))
        .chain(more.iter().copied())
        .collect();
    answer(status, &kept, body)
}

fn row(asked: &str, answer: Answer) -> Row {
    Row { asked: asked.into(), answer: Ok(answer) }
}

fn page() -> Answer {
    let html = "<!doctype html><link rel=stylesheet href=/assets/page.css><p>hello";
    over_tls(200, &[("content-type", "text/html; charset=utf-8"), ("content-security-policy", POLICY)], html)
}

fn css() -> Asset {
    let hash = hex::encode(Sha256::digest(CSS));
    let headers = [("content-type", "text/css"), ("cache-control", "public, max-age=31536000, immutable")];
    Asset {
        used_as: UsedAs::Style,
        path: format!("/assets/page.{}.css", &hash[..16]),
        on: "GET / (no session)".into(),
        personal: false,
        answer: Some(Ok(over_tls(200, &headers, CSS))),
    }
}

fn looks() -> Vec<Look> {
    let look = |kind, personal, asked: &str, answer| Look { row: row(asked, answer), kind, personal };
    vec![
        look(Kind::Page, true, "GET /gallery (signed in)", page()),
        look(
            Kind::Api,
            true,
            "GET /api/v1/images (signed in)",
            over_tls(200, &[("content-type", "application/json")], "{}"),
        ),
        look(Kind::Image, true, "GET /images/1", over_tls(200, &[("content-type", "image/png")], "")),
        look(Kind::Proxy, false, "GET /metrics", over_tls(404, &[], "")),
    ]
}

fn identified(asked: &str, brought: Option<&str>, sane: bool, id: &str) -> Identified {
    let answer = over_tls(200, &[("x-request-id", id)], "");
    let logged = BTreeMap::from([("proxy".to_owned(), true), ("api".to_owned(), true)]);
    Identified { row: row(asked, answer), brought: brought.map(str::to_owned), sane, logged }
}

fn compared() -> Compared {
    let link = format!("{{\"images\":[{{\"link\":\"{ORIGIN}/images/1?signature=s\"}}]}}");
    let plain = over_tls(200, &[("set-cookie", "__Host-visit=1; Secure; Path=/")], &link);
    let other = over_tls(200, &[("set-cookie", "__Host-visit=2; Secure; Path=/")], &link);
    Compared {
        row: row("GET /api/v1/images with x-forwarded-host: elsewhere.example", other),
        plain: Ok(plain),
        believed_by: Vec::new(),
    }
}

pub(super) fn green(stack: &Stack) -> Proxy {
    let refused = || HelloAnswer::Refused("alert protocol_version".into());
    let versions = Hello::VERSIONS.map(|hello| Greeted {
        name: hello.name.into(),
        version: hello.version,
        answer: match hello.version {
            0x0303.. => HelloAnswer::Agreed { version: hello.version, suite: hello.suites[0] },
            _ => refused(),
        },
    });
    let redirected = |method: &str, target: &str| Redirected {
        row: row(
            &format!("{method} {target}"),
            answer(308, &[("location", &format!("{ORIGIN}{target}"))], ""),
        ),
        target: target.into(),
    };
    let closed = |path: &str| Ok(vec![row(&format!("GET {path}"), over_tls(404, &[], "no"))]);
    let port = HostPort { container: "8000/tcp".into(), address: "127.0.0.1".into(), port: "49153".into() };
    Proxy {
        public_origin: ORIGIN.into(),
        versions: Ok(versions.into()),
        weak_suites: Ok(refused()),
        certificate: Ok(Certificate { holds_key: Ok(()), now: Ok(()), for_a_while: Ok(()) }),
        redirects: Ok(vec![redirected("GET", "/gallery?x=1"), redirected("POST", "/api/v1/images")]),
        looks: Ok(looks()),
        crawl: Ok(Crawl {
            pages: vec![
                row("GET / (no session)", page()),
                row("GET /nothing-here (no session)", over_tls(404, &[], "")),
            ],
            assets: vec![css()],
        }),
        closed: BTreeMap::from([
            ("metrics", closed("/metrics")),
            ("ready", closed("/ready")),
            ("health", closed("/health")),
            ("admin", closed("/config/")),
        ]),
        admin: Ok(Admin { address: [172, 18, 0, 2].into(), control: true, open: false }),
        published: all_instances(stack)
            .into_iter()
            .map(|instance| (instance, Ok(vec![port.clone()])))
            .collect(),
        request_ids: Ok(vec![
            identified("GET /log-in", None, true, "made-1234"),
            identified("GET /log-in with an id", Some("mine-1234"), true, "mine-1234"),
            identified("GET /log-in with two words", Some("two words"), false, "made-5678"),
        ]),
        forwarded: Ok(vec![compared()]),
        hosts: Ok(vec![row("GET /log-in with host: elsewhere.example", page())]),
        places: Ok(Places { read_only: true, writable: Vec::new(), memory: vec!["/tmp".into()] }),
    }
}

pub(super) fn replicas() -> Replicas {
    Replicas {
        before: BTreeMap::from([("api".to_owned(), 16), ("api.2".to_owned(), 16)]),
        stopped: "api.2".into(),
        asked: 100,
        failed: Vec::new(),
        back: Some(Ok(std::time::Duration::from_secs(2))),
    }
}

pub(super) fn defects(_stack: &Stack) -> Vec<(String, Defect)> {
    let mut all: Vec<(String, Defect)> = Vec::new();
    let mut add = |id: &str, change: fn(&mut Proxy)| {
        let defect = move |seen: &mut Observations| change(seen.proxy.seen.as_mut().unwrap());
        all.push((id.to_owned(), Box::new(defect)));
    };
    tls(&mut add);
    answers(&mut add);
    doors(&mut add);
    origins(&mut add);
    let mut add = |id: &str, change: fn(&mut Replicas)| {
        let defect = move |seen: &mut Observations| change(seen.replicas.seen.as_mut().unwrap());
        all.push((id.to_owned(), Box::new(defect)));
    };
    add("proxy.replicas.turns", |seen| seen.before.values_mut().for_each(|count| *count = 0));
    add("proxy.replicas.loss", |seen| seen.failed.push("502".into()));
    add("proxy.replicas.return", |seen| seen.back = Some(Err("not within 15 s".into())));
    all
}

type Add<'a> = &'a mut dyn FnMut(&str, fn(&mut Proxy));

fn tls(add: Add<'_>) {
    const SPOKEN: HelloAnswer = HelloAnswer::Agreed { version: 0x0301, suite: 0xC009 };
    add("proxy.tls.versions", |proxy| proxy.versions.as_mut().unwrap()[1].answer = SPOKEN);
    add("proxy.tls.versions", |proxy| {
        proxy.versions.as_mut().unwrap()[4].answer = HelloAnswer::Refused("alert protocol_version".into());
    });
    add("proxy.tls.versions", |proxy| {
        proxy.versions.as_mut().unwrap()[4].answer = HelloAnswer::Agreed { version: 0x0303, suite: 0xC02B };
    });
    add("proxy.tls.ciphers", |proxy| {
        proxy.weak_suites = Ok(HelloAnswer::Agreed { version: 0x0303, suite: 0xC009 });
    });
    add("proxy.tls.certificate", |proxy| certificate(proxy).now = Err(Distrust::WrongName("x".into())));
    add("proxy.tls.certificate", |proxy| certificate(proxy).now = Err(Distrust::UnknownIssuer));
    add("proxy.tls.certificate", |proxy| certificate(proxy).now = Err(Distrust::Expired));
    add("proxy.tls.certificate", |proxy| certificate(proxy).for_a_while = Err(Distrust::Expired));
    add("proxy.tls.certificate", |proxy| certificate(proxy).holds_key = Err("bad signature".into()));
}

fn certificate(proxy: &mut Proxy) -> &mut Certificate {
    proxy.certificate.as_mut().unwrap()
}

/// Changes a header of an answer; without a value, takes it away.
fn set(answer: &mut Seen<Answer>, name: &str, value: Option<&str>) {
    let answer = answer.as_mut().unwrap();
    answer.headers.retain(|(key, _)| key != name);
    answer.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
}

fn look(proxy: &mut Proxy, at: usize) -> &mut Seen<Answer> {
    &mut proxy.looks.as_mut().unwrap()[at].row.answer
}

fn redirected(proxy: &mut Proxy) -> &mut Seen<Answer> {
    &mut proxy.redirects.as_mut().unwrap()[1].row.answer
}

fn answers(add: Add<'_>) {
    add("proxy.redirect", |proxy| redirected(proxy).as_mut().unwrap().status = 302);
    add("proxy.redirect", |proxy| set(redirected(proxy), "location", Some(ORIGIN)));
    add("proxy.redirect", |proxy| set(redirected(proxy), "set-cookie", Some("a=b")));
    add("proxy.redirect", |proxy| redirected(proxy).as_mut().unwrap().body = "hello".into());
    add("proxy.hsts", |proxy| set(look(proxy, 3), "strict-transport-security", None));
    add("proxy.hsts", |proxy| set(look(proxy, 0), "strict-transport-security", Some("max-age=60")));
    add("proxy.hsts", |proxy| {
        set(redirected(proxy), "strict-transport-security", Some("max-age=31536000"));
    });
    add("proxy.headers.nosniff", |proxy| set(look(proxy, 2), "x-content-type-options", None));
    add("proxy.headers.nosniff", |proxy| {
        let twice = ("x-content-type-options".to_owned(), "nosniff".to_owned());
        look(proxy, 1).as_mut().unwrap().headers.push(twice);
    });
    add("proxy.headers.frame", |proxy| set(look(proxy, 0), "x-frame-options", Some("ALLOWALL")));
    add("proxy.headers.referrer", |proxy| set(look(proxy, 0), "referrer-policy", Some("unsafe-url")));
    add("proxy.headers.permissions", |proxy| set(look(proxy, 1), "permissions-policy", None));
    add("proxy.headers.software", |proxy| set(look(proxy, 1), "server", Some("Caddy")));
    add("proxy.headers.software", |proxy| set(redirected(proxy), "server", Some("Caddy")));
    add("proxy.csp.policy", |proxy| set(look(proxy, 0), "content-security-policy", None));
    add("proxy.csp.policy", |proxy| {
        let loose = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");
        set(look(proxy, 0), "content-security-policy", Some(&loose));
    });
    add("proxy.csp.inline", |proxy| {
        look(proxy, 0).as_mut().unwrap().body = "<!doctype html><p onclick=go()>hello".into();
    });
    add("proxy.uncached", |proxy| set(look(proxy, 1), "cache-control", Some("public, max-age=60")));
    add("proxy.uncached", |proxy| set(look(proxy, 2), "cache-control", None));
    add("smoke.assets", |proxy| file(proxy).answer = Some(Ok(over_tls(404, &[], ""))));
    add("smoke.assets", |proxy| set(file_answer(proxy), "content-type", Some("text/html")));
    add("smoke.assets", |proxy| set(file_answer(proxy), "cache-control", Some("no-cache")));
    add("smoke.assets", |proxy| file_answer(proxy).as_mut().unwrap().body = "p { color: blue }".into());
    add("smoke.assets", |proxy| {
        let foreign = Asset { answer: None, path: "https://elsewhere.example/a.css".into(), ..css() };
        proxy.crawl.as_mut().unwrap().assets.push(foreign);
    });
    add("smoke.assets", |proxy| {
        proxy.crawl.as_mut().unwrap().pages.push(row("GET /account (signed in)", over_tls(500, &[], "")));
    });
}

fn file(proxy: &mut Proxy) -> &mut Asset {
    &mut proxy.crawl.as_mut().unwrap().assets[0]
}

fn file_answer(proxy: &mut Proxy) -> &mut Seen<Answer> {
    file(proxy).answer.as_mut().unwrap()
}

fn opened(proxy: &mut Proxy, name: &'static str, answer: Answer) {
    proxy.closed.get_mut(name).unwrap().as_mut().unwrap().push(row("GET //x", answer));
}

fn doors(add: Add<'_>) {
    add("proxy.closed.metrics", |proxy| opened(proxy, "metrics", over_tls(200, &[], "# TYPE a counter")));
    add("proxy.closed.ready", |proxy| opened(proxy, "ready", over_tls(503, &[], "{\"dependencies\":{}}")));
    add("proxy.closed.health", |proxy| opened(proxy, "health", over_tls(200, &[], "{\"status\":\"ok\"}")));
    add("proxy.closed.admin", |proxy| opened(proxy, "admin", over_tls(200, &[], "{\"apps\":{}}")));
    add("proxy.closed.admin", |proxy| proxy.admin.as_mut().unwrap().open = true);
    add("proxy.published", |proxy| {
        let port = HostPort { container: "5432/tcp".into(), address: "0.0.0.0".into(), port: "5432".into() };
        proxy.published.insert("postgres".into(), Ok(vec![port]));
    });
    add("proxy.memory_only", |proxy| proxy.places.as_mut().unwrap().read_only = false);
    add("proxy.memory_only", |proxy| proxy.places.as_mut().unwrap().writable.push("/data".into()));
}

fn origins(add: Add<'_>) {
    add("proxy.request_id.sane", |proxy| {
        set(&mut proxy.request_ids.as_mut().unwrap()[0].row.answer, "x-request-id", None);
    });
    add("proxy.request_id.sane", |proxy| {
        set(&mut proxy.request_ids.as_mut().unwrap()[2].row.answer, "x-request-id", Some("two words"));
    });
    add("proxy.request_id.sane", |proxy| {
        set(&mut proxy.request_ids.as_mut().unwrap()[0].row.answer, "x-request-id", Some("made-5678"));
    });
    add("proxy.request_id.logged", |proxy| {
        proxy.request_ids.as_mut().unwrap()[0].logged.insert("web".into(), false);
    });
    add("proxy.forwarded", |proxy| {
        let link = "{\"images\":[{\"link\":\"https://elsewhere.example/images/1\"}]}";
        claimed(proxy).row.answer.as_mut().unwrap().body = link.into();
    });
    add("proxy.forwarded", |proxy| {
        set(&mut claimed(proxy).row.answer, "set-cookie", Some("__Host-visit=2; Path=/"));
    });
    add("proxy.forwarded", |proxy| claimed(proxy).believed_by.push("api".into()));
    add("proxy.forwarded", |proxy| claimed(proxy).row.answer.as_mut().unwrap().status = 403);
    add("proxy.host", |proxy| {
        let leads_away = over_tls(303, &[("location", "https://elsewhere.example/log-in")], "");
        proxy.hosts.as_mut().unwrap()[0].answer = Ok(leads_away);
    });
}

fn claimed(proxy: &mut Proxy) -> &mut Compared {
    &mut proxy.forwarded.as_mut().unwrap()[0]
}
