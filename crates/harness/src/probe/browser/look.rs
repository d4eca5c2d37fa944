//! How a page lies, what it weighs, what it fetched, and what the browser complained about.

use std::collections::HashMap;

use serde_json::Value;
use thirtyfour::error::WebDriverResult;

use super::tab::Tab;
use crate::{
    browser::{self, NARROW, WIDE, first_line},
    observation::{Browser, Fetched, Page},
};

/// Measures the page that shows. Bytes are as they came over the line, bodies alone, people's own pictures left out.
const MEASURE: &str = r"
const named = (element) =>
  element.labels?.length || element.getAttribute('aria-label') || element.getAttribute('aria-labelledby')
  || element.title || element.textContent.trim() || (element.type === 'submit' && element.value)
  || element.querySelector('img[alt]:not([alt=\'\']), svg title');
const shown = (element) => element.getClientRects().length > 0;
const nameless = [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a[href]')]
  .filter((element) => shown(element) && !named(element))
  .concat([...document.querySelectorAll('img:not([alt])')])
  .map((element) => `${element.tagName.toLowerCase()} ${element.name || element.className || element.src || ''}`.trim());
const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
const own = entries.filter((entry) => !/^blob:|\/images\/|\/picture$/.test(entry.name));
return {
  path: location.pathname,
  overflow: Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth),
  nameless,
  headings: document.querySelectorAll('h1').length,
  language: document.documentElement.lang,
  bytes: own.reduce((sum, entry) => sum + entry.encodedBodySize, 0),
};";

/// Measures a page at both widths.
pub(super) async fn at_both_widths(tab: &Tab, path: &str) -> Result<Vec<Page>, String> {
    let mut pages = Vec::new();
    for size in [NARROW, WIDE] {
        browser::resize(&tab.driver, size).await.map_err(|error| first_line(&error))?;
        tab.go(path).await?;
        pages.push(measured(&tab.ask(MEASURE).await?, size.0));
    }
    Ok(pages)
}

fn measured(found: &Value, width: u32) -> Page {
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| found[name].as_u64().unwrap_or_default();
    let nameless = found["nameless"].as_array().into_iter().flatten();
    // An identifier in the path says nothing to who reads the verdict.
    let path = text("path");
    let path = path.split('/').map(|part| if part.len() == 36 { "{id}" } else { part });
    Page {
        path: path.collect::<Vec<_>>().join("/"),
        width,
        overflow: u32::try_from(number("overflow")).unwrap_or(u32::MAX),
        nameless: nameless.filter_map(Value::as_str).map(str::to_owned).collect(),
        headings: usize::try_from(number("headings")).unwrap_or(usize::MAX),
        language: text("language"),
        bytes: number("bytes"),
    }
}

/// Keeps errors on the console, and everything that was fetched, since the logs were read last.
pub(super) async fn keep_logs(tab: &Tab, seen: &mut Browser) -> Result<(), String> {
    let (console, fetched) = logs(tab).await.map_err(|error| first_line(&error))?;
    seen.console.extend(console);
    seen.fetched.extend(fetched);
    Ok(())
}

/// Reads the logs and forgets them: what just happened was meant to be refused.
pub(super) async fn drop_logs(tab: &Tab) -> Result<(), String> {
    logs(tab).await.map(drop).map_err(|error| first_line(&error))
}

async fn logs(tab: &Tab) -> WebDriverResult<(Vec<String>, Vec<Fetched>)> {
    let console = tab.driver.get_log("browser").await?;
    let errors = console.into_iter().filter(|entry| entry.level == "SEVERE");
    let errors = errors.map(|entry| without_query(&entry.message)).collect();
    let events = tab.driver.get_log("performance").await?;
    let events = events.iter().filter_map(|entry| serde_json::from_str(&entry.message).ok());
    Ok((errors, fetched(events, &tab.origin)))
}

/// Puts requests and what became of them together.
fn fetched(events: impl Iterator<Item = Value>, origin: &str) -> Vec<Fetched> {
    let mut urls = HashMap::new();
    let mut all = Vec::new();
    for event in events {
        let event = &event["message"];
        let (method, about) = (event["method"].as_str().unwrap_or_default(), &event["params"]);
        let request = about["requestId"].as_str().unwrap_or_default().to_owned();
        let mut ended = |url: &str, status| {
            if url.starts_with("http") {
                let own = url == origin || url.starts_with(&format!("{origin}/"));
                all.push(Fetched { url: without_query(url), own, status });
            }
        };
        match method {
            "Network.requestWillBeSent" => {
                let url = about["request"]["url"].as_str().unwrap_or_default();
                urls.insert(request, url.to_owned());
            }
            "Network.responseReceived" => {
                let status = about["response"]["status"].as_u64().and_then(|status| status.try_into().ok());
                let url = about["response"]["url"].as_str().unwrap_or_default();
                ended(url, status.ok_or_else(|| "no status".to_owned()));
            }
            // What a person leaves before it is loaded is no failure.
            "Network.loadingFailed" if about["canceled"] != Value::Bool(true) => {
                let why = about["errorText"].as_str().unwrap_or("failed").to_owned();
                if let Some(url) = urls.get(&request).cloned() {
                    ended(&url, Err(why));
                }
            }
            _ => {}
        }
    }
    all
}

/// Text without the queries of its URLs.
fn without_query(text: &str) -> String {
    let words = text.split(' ').map(|word| word.split('?').next().unwrap_or_default());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_signature_is_not_told() {
        assert_eq!(without_query("https://a/images/1?signature=s - failed"), "https://a/images/1 - failed");
    }

    #[test]
    fn a_request_that_failed_is_told_with_its_url_and_a_left_one_is_not() {
        let event =
            |method: &str, params: Value| json!({ "message": { "method": method, "params": params } });
        let sent = |id: &str, url: &str| {
            event("Network.requestWillBeSent", json!({ "requestId": id, "request": { "url": url } }))
        };
        let failed = |id: &str, canceled: bool| {
            let params = json!({ "requestId": id, "errorText": "net::ERR_FAILED", "canceled": canceled });
            event("Network.loadingFailed", params)
        };
        let answered = json!({ "requestId": "3", "response": { "url": "https://evil/x", "status": 200 } });
        let events = vec![
            sent("1", "https://a/style.css"),
            sent("2", "https://a/left"),
            failed("1", false),
            failed("2", true),
            event("Network.responseReceived", answered),
        ];
        let expected = [
            Fetched { url: "https://a/style.css".into(), own: true, status: Err("net::ERR_FAILED".into()) },
            Fetched { url: "https://evil/x".into(), own: false, status: Ok(200) },
        ];
        assert_eq!(fetched(events.into_iter(), "https://a"), expected);
    }

    #[test]
    fn an_identifier_in_a_path_is_told_as_one() {
        let path = "/gallery/0190a0b0-0000-7000-8000-000000000000";
        assert_eq!(measured(&json!({ "path": path }), 390).path, "/gallery/{id}");
    }
}
