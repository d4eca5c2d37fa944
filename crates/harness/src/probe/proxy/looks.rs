//! Answers of every kind that people get: pages, the api's, pictures, files, what the proxy says by itself.

use reqwest::Method;
use serde_json::json;

use super::Resident;
use crate::{
    observation::{Crawl, Kind, Look, Row},
    probe::http::Exchange,
};

/// Asks for what pages are not made of, and puts it beside what pages are made of.
pub(super) async fn observe(resident: &Resident, crawl: Option<&Crawl>) -> Vec<Look> {
    let mut looks = Vec::new();
    let mut add = |kind, personal, exchange: Exchange| {
        let row = Row { asked: exchange.request, answer: exchange.answer };
        looks.push(Look { row, kind, personal });
    };
    let (door, person) = (&resident.door, &resident.person);
    let step = "looks";
    for path in ["/api/health", "/api/v1/openapi.json", "/api/v1/images", "/api/v1/nothing", "/api/v1/jobs/x"]
    {
        add(Kind::Api, false, door.get(step, path).await);
    }
    let wrong = json!({ "email": resident.email, "password": "not a password of theirs" });
    let wrong = door.send(step, Method::POST, "/api/v1/sessions", |request| request.json(&wrong)).await;
    add(Kind::Api, false, wrong);
    let right = json!({ "email": resident.email, "password": resident.password });
    let right = door.send(step, Method::POST, "/api/v1/sessions", |request| request.json(&right)).await;
    add(Kind::Api, true, Exchange { request: "POST /api/v1/sessions (logging in)".into(), ..right });
    let own = [
        "/api/v1/images".to_owned(),
        format!("/api/v1/images/{}", resident.image),
        format!("/api/v1/jobs/{}", resident.job),
        "/api/v1/users/me".into(),
        "/api/v1/sessions/current".into(),
    ];
    for path in own {
        let exchange = person.get(step, &path).await;
        add(Kind::Api, true, Exchange { request: format!("GET {path} (signed in)"), ..exchange });
    }
    add(Kind::Image, true, door.get(step, &resident.link).await);
    add(Kind::Image, false, door.get(step, &format!("/images/{}", resident.image)).await);
    for path in ["/metrics", "/api/ready"] {
        add(Kind::Proxy, false, door.get(step, path).await);
    }
    let Some(crawl) = crawl else { return looks };
    let pages = crawl.pages.iter().map(|row| Look {
        row: row.clone(),
        kind: Kind::Page,
        personal: row.asked.ends_with("(signed in)"),
    });
    let assets = crawl.assets.iter().filter_map(|asset| {
        let row = Row { asked: format!("GET {}", asset.path), answer: asset.answer.clone()? };
        let kind = if asset.personal { Kind::Image } else { Kind::Asset };
        Some(Look { row, kind, personal: asset.personal })
    });
    looks.extend(pages.chain(assets));
    looks
}
