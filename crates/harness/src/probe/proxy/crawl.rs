//! Everything that pages refer to: found as a browser finds it, fetched as a browser fetches it.

use std::collections::{BTreeSet, VecDeque};

use reqwest::Url;

use super::Resident;
use crate::{
    html::{self, Reference},
    observation::{Asset, Crawl, Row, Seen},
    probe::{http::Answer, visitor::Visitor},
};

/// More pages than this are no product of ours, but links that lead ever on.
const MOST_PAGES: usize = 60;
/// A picture is behind one redirect, perhaps two.
const MOST_REDIRECTS: usize = 3;

/// Follows every link there is, without a session and then with one.
pub(super) async fn crawl(resident: &Resident, origin: &str) -> Seen<Crawl> {
    let mut crawl = Crawl::default();
    let mut seen = BTreeSet::new();
    let public = ["/", "/log-in", "/sign-up", "/nothing-here"].map(str::to_owned);
    follow(&mut crawl, &mut seen, &mut resident.anonymous.clone(), origin, "no session", &public).await?;
    let (image, job) = (&resident.image, &resident.job);
    let own = ["/gallery".to_owned(), "/account".into(), format!("/gallery/{image}"), format!("/jobs/{job}")];
    follow(&mut crawl, &mut seen, &mut resident.visitor.clone(), origin, "signed in", &own).await?;
    Ok(crawl)
}

/// Follows links from `starts` on.
async fn follow(
    crawl: &mut Crawl,
    fetched: &mut BTreeSet<String>,
    visitor: &mut Visitor,
    origin: &str,
    who: &str,
    starts: &[String],
) -> Seen<()> {
    let base = Url::parse(origin).map_err(|error| format!("{origin}: {error}"))?;
    let mut queue: VecDeque<Url> = starts.iter().filter_map(|path| base.join(path).ok()).collect();
    let mut visited = BTreeSet::new();
    while let Some(url) = queue.pop_front() {
        if !visited.insert(path_of(&url)) {
            continue;
        }
        if visited.len() > MOST_PAGES {
            return Err(format!("more than {MOST_PAGES} pages, the last of them {}", url.path()));
        }
        let answer = visitor.get("crawl.page", &path_of(&url)).await.answer;
        let asked = format!("GET {} ({who})", url.path());
        if let Ok(answer) = &answer {
            let next = answer.header("location").and_then(|location| url.join(location).ok());
            let page = is(answer, "text/html").then(|| html::read(&String::from_utf8_lossy(&answer.body)));
            let page = page.unwrap_or_default();
            let links = page.links.iter().filter_map(|link| url.join(link).ok()).chain(next);
            queue.extend(links.filter(|link| is_page(link, &base)));
            fetch(crawl, fetched, visitor, &url, &asked, page.references).await;
        }
        crawl.pages.push(Row { asked, answer });
    }
    Ok(())
}

/// Fetches what a page refers to, and what style sheets among it refer to in turn.
async fn fetch(
    crawl: &mut Crawl,
    fetched: &mut BTreeSet<String>,
    visitor: &mut Visitor,
    page: &Url,
    asked: &str,
    references: Vec<Reference>,
) {
    let mut queue: VecDeque<(Url, String, Reference)> =
        references.into_iter().map(|reference| (page.clone(), asked.to_owned(), reference)).collect();
    while let Some((base, on, reference)) = queue.pop_front() {
        let Ok(url) = base.join(&reference.url) else { continue };
        if url.scheme() == "data" || url.scheme() == "blob" || !fetched.insert(url.to_string()) {
            continue;
        }
        let foreign = url.origin() != page.origin();
        let personal = url.path().starts_with("/images/") || url.path().ends_with("/picture");
        let path = if foreign { url.to_string() } else { url.path().to_owned() };
        let answer = if foreign { None } else { Some(behind_redirects(visitor, &url).await) };
        if let Some(Ok(answer)) =
            answer.as_ref().filter(|answer| matches!(answer, Ok(answer) if is(answer, "text/css")))
        {
            let referred = html::of_style(&String::from_utf8_lossy(&answer.body));
            queue.extend(referred.into_iter().map(|reference| (url.clone(), path.clone(), reference)));
        }
        crawl.assets.push(Asset { used_as: reference.used_as, path, on, personal, answer });
    }
}

async fn behind_redirects(visitor: &mut Visitor, url: &Url) -> Seen<Answer> {
    let mut url = url.clone();
    for _ in 0..=MOST_REDIRECTS {
        let answer = visitor.get("crawl.asset", &path_of(&url)).await.answer?;
        let next = answer.header("location").filter(|_| (300..400).contains(&answer.status));
        match next.and_then(|location| url.join(location).ok()) {
            Some(next) if next.origin() == url.origin() => url = next,
            _ => return Ok(answer),
        }
    }
    Err(format!("more than {MOST_REDIRECTS} redirects"))
}

fn is(answer: &Answer, kind: &str) -> bool {
    answer.header("content-type").is_some_and(|value| value.starts_with(kind))
}

/// Whether a link leads to a page of ours: neither elsewhere nor to what is no page.
fn is_page(link: &Url, base: &Url) -> bool {
    let other = ["/api/", "/images/", "/assets/"].iter().any(|start| link.path().starts_with(start));
    link.origin() == base.origin() && !other && !link.path().ends_with("/picture")
}

fn path_of(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_our_own_are_followed() {
        let base = Url::parse("https://shakedown.localhost:8443").unwrap();
        for (link, followed) in [
            ("/gallery/1?x=1#top", true),
            ("https://shakedown.localhost:8443/account", true),
            ("https://example.org/", false),
            ("http://shakedown.localhost:8443/", false),
            ("/images/1?signature=s", false),
            ("/gallery/1/picture", false),
            ("/api/v1/openapi.json", false),
            ("mailto:a@example.org", false),
        ] {
            assert_eq!(is_page(&base.join(link).unwrap(), &base), followed, "{link}");
        }
    }
}
