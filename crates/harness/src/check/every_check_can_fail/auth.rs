//! `auth.*` on a sound stack, and the defects that each check is there for.

use std::{collections::BTreeMap, time::Duration};

use stack::Stack;

use super::{super::auth as check, Defect, answer};
use crate::{
    observation::{Auth, AuthRole, AuthRow, Pair, SetCookie, StoredHash, Told, Twins},
    probe::http::Answer,
};

/// What a sound stack answers to the trials of a group.
fn right(group: &str) -> Answer {
    let with = |mut answer: Answer, name: &str, value: &str| {
        answer.headers.push((name.into(), value.into()));
        answer
    };
    let page = |status| answer(status, "text/html", "<p>a page</p>");
    match group.split('.').next().unwrap_or_default() {
        "csrf" => page(403),
        "next" => with(page(303), "location", "/gallery"),
        "back" => with(with(page(303), "location", "/log-in?next=/gallery"), "cache-control", "no-store"),
        "hostile" => page(422),
        _ => match group {
            "matrix.owner" | "matrix.unharmed" | "matrix.others_own" | "headers.other" => page(200),
            "status.other" => page(404),
            _ => with(page(401), "www-authenticate", "Bearer"),
        },
    }
}

fn row(role: AuthRole, tried: &str, answer: Answer) -> AuthRow {
    AuthRow { role, tried: tried.into(), answer: Ok(answer), shown: Vec::new() }
}

fn cookie(step: &str, value: bool) -> SetCookie {
    let age = if value { "3600" } else { "0" };
    let attributes = [("httponly", ""), ("secure", ""), ("samesite", "Lax"), ("path", "/"), ("max-age", age)];
    SetCookie {
        step: step.into(),
        name: "__Host-session".into(),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        has_value: value,
    }
}

fn twins(body: &str) -> Twins {
    let told = Told { status: 401, headers: Vec::new(), body: body.into() };
    Twins { unknown_user: told.clone(), wrong_password: told }
}

pub(super) fn green(_stack: &Stack) -> Auth {
    let group = |name: &'static str| {
        let rows = vec![
            row(AuthRole::Control, "the control", answer(200, "text/html", "")),
            row(AuthRole::Trial, "the trial", right(name)),
            row(AuthRole::Kept, "what is kept", answer(200, "text/html", "")),
        ];
        (name.to_owned(), Ok(rows))
    };
    let ms = Duration::from_millis;
    let pair = |unknown| Pair { unknown_user: ms(unknown), wrong_password: ms(41) };
    let pairs: Vec<Pair> = [40, 41, 42, 41, 40, 43, 41, 40, 41].map(pair).into();
    let parts = ["argon2id", "v=19", "m=19456,t=2,p=1"].map(str::to_owned).into();
    Auth {
        groups: check::groups().map(group).collect(),
        cookies: Some(Ok(vec![cookie("log-in", true), cookie("log-out", false)])),
        answers: both(|| Ok(twins("no"))),
        times: both(|| Ok(pairs.clone())),
        hashes: Some(Ok(vec![StoredHash { parts, ..StoredHash::default() }])),
    }
}

fn both<T>(seen: impl Fn() -> T) -> BTreeMap<String, T> {
    ["api", "web"].map(|door| (door.to_owned(), seen())).into()
}

fn in_auth(change: impl Fn(&mut Auth) + 'static) -> Defect {
    Box::new(move |seen| change(seen.auth.seen.as_mut().unwrap()))
}

fn trial(group: &'static str, change: impl Fn(&mut AuthRow) + 'static) -> (String, Defect) {
    let defect = in_auth(move |auth| {
        let rows = auth.groups.get_mut(group).unwrap().as_mut().unwrap();
        change(rows.iter_mut().find(|row| row.role == AuthRole::Trial).unwrap());
    });
    (format!("auth.{group}"), defect)
}

fn in_cookies(name: &str, change: fn(&mut SetCookie)) -> (String, Defect) {
    let defect = in_auth(move |auth| {
        auth.cookies.as_mut().unwrap().as_mut().unwrap().iter_mut().for_each(change);
    });
    (format!("auth.cookie.{name}"), defect)
}

pub(super) fn defects(_stack: &Stack) -> Vec<(String, Defect)> {
    let mut all = Vec::new();
    for group in check::groups() {
        // An answer that nobody expects of anybody, and one that is cut off from what it must say.
        all.push(trial(group, |row| row.answer = Ok(answer(500, "text/html", ""))));
        if !matches!(group, "back.no_store") {
            all.push(trial(group, |row| row.shown.push("somebody's e-mail address".into())));
        }
    }
    let taken = || Ok(answer(200, "text/html", ""));
    for group in check::groups().filter(|group| {
        !matches!(*group, "matrix.owner" | "matrix.unharmed" | "matrix.others_own" | "headers.other")
            && !group.starts_with("hostile")
    }) {
        all.push(trial(group, move |row| row.answer = taken()));
    }
    for group in ["matrix.unharmed", "session.password_change", "csrf.token"] {
        let lost = in_auth(move |auth| {
            let rows = auth.groups.get_mut(group).unwrap().as_mut().unwrap();
            let kept = rows.iter_mut().find(|row| row.role == AuthRole::Kept).unwrap();
            kept.answer = Ok(answer(404, "text/html", ""));
        });
        all.push((format!("auth.{group}"), lost));
    }
    all.push(trial("next", |row| {
        row.answer.as_mut().unwrap().headers = vec![("location".into(), "//evil.example".into())];
    }));
    all.push(trial("csrf.login", |row| {
        let given = ("set-cookie".into(), "__Host-session=x; Secure".into());
        row.answer.as_mut().unwrap().headers.push(given);
    }));
    all.push(trial("token.forged", |row| row.answer.as_mut().unwrap().headers.clear()));
    all.push(in_cookies("http_only", |cookie| drop(cookie.attributes.remove("httponly"))));
    all.push(in_cookies("secure", |cookie| drop(cookie.attributes.remove("secure"))));
    all.push(in_cookies("same_site", |cookie| {
        cookie.attributes.insert("samesite".into(), "None".into());
    }));
    all.push(in_cookies("host_prefix", |cookie| cookie.name = "session".into()));
    all.push(in_cookies("host_prefix", |cookie| {
        cookie.attributes.insert("domain".into(), "example.org".into());
    }));
    all.push(in_cookies("path", |cookie| {
        cookie.attributes.insert("path".into(), "/gallery".into());
    }));
    all.push(in_cookies("cleared", |cookie| {
        cookie.attributes.insert("max-age".into(), "3600".into());
    }));
    for door in ["api", "web"] {
        let of = move |change: fn(&mut Told)| {
            in_auth(move |auth| {
                change(&mut auth.answers.get_mut(door).unwrap().as_mut().unwrap().unknown_user);
            })
        };
        let id = format!("auth.enumeration.answer.{door}");
        all.push((id.clone(), of(|told| told.status = 404)));
        all.push((id.clone(), of(|told| told.body = "no such user".into())));
        all.push((id, of(|told| told.headers.push(("x-known".into(), "no".into())))));
        let quick = in_auth(move |auth| {
            for pair in auth.times.get_mut(door).unwrap().as_mut().unwrap() {
                pair.unknown_user = Duration::from_millis(3);
            }
        });
        all.push((format!("auth.enumeration.time.{door}"), quick));
    }
    let of_hash = |change: fn(&mut StoredHash)| {
        let defect = in_auth(move |auth| change(&mut auth.hashes.as_mut().unwrap().as_mut().unwrap()[0]));
        ("auth.password.hash".to_owned(), defect)
    };
    all.push(of_hash(|hash| hash.parts[0] = "argon2i".into()));
    all.push(of_hash(|hash| hash.parts[2] = "m=64,t=1,p=1".into()));
    all.push(of_hash(|hash| hash.holds_password = true));
    all.push(of_hash(|hash| hash.shared = true));
    all
}
