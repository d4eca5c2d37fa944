//! What a page weighs: the page and what it refers to of ours, as it is sent to a browser.

use std::collections::{BTreeSet, VecDeque};

use reqwest::{Method, Url};

use crate::{html, probe::http::Client};

/// The bytes of a page with its style sheets, scripts, typefaces and drawings. People's own pictures are not counted.
pub(super) async fn of_page(client: &Client, origin: &str, path: &str, cookie: &str) -> Result<u64, String> {
    let page = Url::parse(origin).and_then(|base| base.join(path));
    let page = page.map_err(|error| format!("{origin}{path}: {error}"))?;
    let mut bytes = 0;
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([page]);
    while let Some(url) = queue.pop_front() {
        if !seen.insert(url.to_string()) {
            continue;
        }
        bytes += fetch(client, url.path(), cookie, "gzip").await?.len() as u64;
        // Once more as it is, to read it.
        let body = fetch(client, url.path(), cookie, "identity").await?;
        let text = String::from_utf8_lossy(&body);
        let references = match url.path().rsplit_once('.') {
            Some((_, "css")) => html::of_style(&text),
            Some(_) => Vec::new(),
            None => html::read(&text).references,
        };
        let further = references.iter().filter_map(|reference| url.join(&reference.url).ok());
        queue.extend(further.filter(|next| next.path().starts_with("/assets/")));
    }
    Ok(bytes)
}

async fn fetch(client: &Client, path: &str, cookie: &str, encoding: &str) -> Result<bytes::Bytes, String> {
    let value = cookie.trim_start_matches("cookie: ");
    let shape = |request: reqwest::RequestBuilder| {
        request.header("cookie", value).header("accept-encoding", encoding)
    };
    let exchange = client.send("load.weight", Method::GET, path, shape).await;
    let outcome = exchange.outcome();
    match exchange.answer {
        Ok(answer) if answer.status == 200 => Ok(answer.body),
        _ => Err(format!("{path} answered {outcome} when it was weighed")),
    }
}
