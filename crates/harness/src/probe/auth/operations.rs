//! What there is to ask for: the operations that the api's own document tells of, and the addresses that web's pages
//! lead to. A new route or page is tried without anybody's adding it here.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, Url};
use serde_json::Value;

use crate::{
    html,
    observation::Seen,
    probe::{
        http::{Answer, Client},
        visitor::{self, Filled, Visitor},
    },
};

/// An operation of the api.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// Its method.
    pub method: Method,
    /// Its path as people reach it, with `{…}` in place of what it is about.
    pub template: String,
    /// It needs a session.
    pub secured: bool,
}

/// The api's operations, as its document tells them.
pub(super) async fn of_the_api(client: &Client) -> Seen<Vec<Operation>> {
    let exchange = client.get("openapi", "/api/v1/openapi.json").await;
    let document = exchange.answer.map(|answer| answer.json())?;
    let operations = read(&document);
    if operations.iter().any(|operation| operation.secured) {
        return Ok(operations);
    }
    Err("the api's document tells of no operation that needs a session".into())
}

fn read(document: &Value) -> Vec<Operation> {
    let base = |holder: &Value| {
        let url = holder.pointer("/servers/0/url")?.as_str()?;
        let path = Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.path().to_owned());
        Some(path.trim_end_matches('/').to_owned())
    };
    let everywhere = base(document).unwrap_or_default();
    let is_secured = |holder: &Value| {
        holder.get("security").and_then(Value::as_array).map(|ways| {
            ways.iter().all(|way| *way != Value::Object(serde_json::Map::new())) && !ways.is_empty()
        })
    };
    let by_default = is_secured(document).unwrap_or(false);
    let mut operations = Vec::new();
    for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
        let base = base(item).unwrap_or_else(|| everywhere.clone());
        for (method, operation) in item.as_object().into_iter().flatten() {
            let Ok(method) = Method::from_bytes(method.to_ascii_uppercase().as_bytes()) else { continue };
            if super::stage::METHODS.contains(&method) {
                let secured = is_secured(operation).unwrap_or(by_default);
                operations.push(Operation { method, template: format!("{base}{path}"), secured });
            }
        }
    }
    operations
}

impl Operation {
    /// It is about one thing, which is named in its path.
    pub(super) fn has_object(&self) -> bool {
        self.template.contains('{')
    }

    /// Its path with this in place of whatever it is about.
    pub(super) fn path(&self, object: &str) -> String {
        let mut path = String::new();
        let mut rest = self.template.as_str();
        while let Some((before, behind)) = rest.split_once('{') {
            path.push_str(before);
            path.push_str(object);
            rest = behind.split_once('}').map_or("", |(_, rest)| rest);
        }
        path + rest
    }
}

/// What web's pages lead somebody to who is signed in.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    /// Paths to get, without queries.
    pub links: BTreeSet<String>,
    /// Forms to send, by where they go.
    pub forms: BTreeMap<String, Filled>,
}

/// Paths that nobody's things are behind.
fn is_public(path: &str) -> bool {
    path.starts_with("/assets/") || matches!(path, "/" | "/log-in" | "/sign-up")
}

/// Follows every link from `starts`, and keeps what pages show and lead to.
pub(super) async fn of_the_pages(visitor: &mut Visitor, origin: &str, starts: &[String]) -> Seen<Pages> {
    /// More pages than the product has for somebody with a picture or two.
    const AT_MOST: usize = 40;
    let mut pages = Pages::default();
    let mut open: Vec<String> = starts.to_vec();
    let mut visited = BTreeSet::new();
    while let Some(path) = open.pop() {
        if visited.len() >= AT_MOST || !visited.insert(path.clone()) {
            continue;
        }
        let exchange = visitor.get("crawl", &path).await;
        let answer = exchange.answer.map_err(|why| format!("{path}: {why}"))?;
        if !is_public(&path) && !matches!(answer.status, 404 | 405) {
            pages.links.insert(path.clone());
        }
        let is_page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        if is_page && answer.status == 200 {
            open.extend(links(&answer, origin, &path).into_iter().filter(|link| !is_public(link)));
            for form in visitor::forms(&answer, &path) {
                pages.forms.insert(form.action.clone(), form);
            }
        }
    }
    Ok(pages)
}

/// The paths of our own that a page refers to.
fn links(page: &Answer, origin: &str, path: &str) -> Vec<String> {
    let Some(base) = Url::parse(origin).ok().and_then(|origin| origin.join(path).ok()) else {
        return Vec::new();
    };
    let page = html::read(&String::from_utf8_lossy(&page.body));
    let all = page.links.into_iter().chain(page.references.into_iter().map(|reference| reference.url));
    let ours = all.filter_map(|link| base.join(&link).ok()).filter(|url| url.origin() == base.origin());
    // Signed links are for whoever holds them.
    ours.map(|url| url.path().to_owned()).filter(|path| !path.starts_with("/images/")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_are_read_with_where_they_are_and_whether_they_need_a_session() {
        let document = json!({
            "servers": [{ "url": "https://shakedown.localhost:8443/api" }],
            "paths": {
                "/v1/images/{id}": { "delete": { "security": [{ "session": [] }] }, "parameters": [] },
                "/images/{id}": { "get": {}, "servers": [{ "url": "https://shakedown.localhost:8443" }] },
            },
        });
        let operations = read(&document);
        assert_eq!(operations.len(), 2);
        let of = |method: Method| operations.iter().find(|operation| operation.method == method).unwrap();
        assert_eq!(of(Method::DELETE).path("7"), "/api/v1/images/7");
        assert!(of(Method::DELETE).secured && of(Method::DELETE).has_object());
        assert_eq!(of(Method::GET).path("7"), "/images/7");
        assert!(!of(Method::GET).secured);
    }

    #[test]
    fn links_of_a_page_are_paths_of_our_own() {
        let html = "<a href='/gallery/1?x=1'>a</a><a href='https://example.org/'>b</a><img src=/gallery/1/picture>\
                    <a href='/images/1?signature=x'>c</a>";
        let page = Answer { body: html.into(), ..Answer::default() };
        let found = links(&page, "https://shakedown.localhost:8443", "/gallery");
        assert_eq!(found, ["/gallery/1", "/gallery/1/picture"]);
    }
}
