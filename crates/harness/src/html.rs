//! What a page refers to, runs by itself and asks to be filled in, as data. Style sheets refer to things too.

use std::collections::BTreeMap;

use html5gum::{DefaultEmitter, Token, Tokenizer};
use indexmap::IndexMap;

/// What a page of HTML holds that matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html {
    /// What a browser fetches to show it.
    pub references: Vec<Reference>,
    /// Where its links lead.
    pub links: Vec<String>,
    /// Scripts and styles that stand in the page itself, each told in a few words.
    pub inline: Vec<String>,
    /// Its forms.
    pub forms: Vec<Form>,
}

/// Something that a browser fetches to show a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// What it is used as.
    pub used_as: UsedAs,
    /// As it is written.
    pub url: String,
}

/// What something that is fetched is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UsedAs {
    /// A style sheet.
    Style,
    /// A script.
    Script,
    /// A picture.
    Picture,
    /// A typeface.
    Font,
    /// A manifest of an application.
    Manifest,
    /// Something else.
    Other,
}

/// A form of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Its id.
    pub id: String,
    /// Where it is sent.
    pub action: String,
    /// It is sent in parts, as forms with files are.
    pub multipart: bool,
    /// The fields that are filled in already, in order: hidden ones, and whatever else has a value.
    pub fields: IndexMap<String, String>,
}

/// Reads a page. Browsers show whatever they are given, and so nothing is an error here.
pub fn read(html: &str) -> Html {
    let mut page = Html::default();
    let mut emitter = DefaultEmitter::default();
    // These are text up to their own end tag, whatever stands in them.
    emitter.naively_switch_states(true);
    let mut within: Option<(String, String)> = None;
    for token in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Ok(Token::StartTag(tag)) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(value)));
                let name = text(&tag.name);
                page.tag(&name, &attributes.collect());
                within =
                    matches!(name.as_str(), "script" | "style" | "noscript").then(|| (name, String::new()));
            }
            Ok(Token::String(text)) => {
                if let Some((_, content)) = &mut within {
                    content.push_str(&String::from_utf8_lossy(&text));
                }
            }
            Ok(Token::EndTag(_)) => {
                if let Some((tag, content)) = within.take() {
                    page.content(&tag, &content);
                }
            }
            _ => {}
        }
    }
    page
}

impl Html {
    /// What stands between the tags of an element whose content is text to a browser.
    fn content(&mut self, tag: &str, content: &str) {
        if tag == "noscript" {
            let without_scripts = read(content);
            self.references.extend(without_scripts.references);
            self.links.extend(without_scripts.links);
            self.inline.extend(without_scripts.inline);
            self.forms.extend(without_scripts.forms);
        } else if !content.trim().is_empty() {
            self.inline.push(format!("<{tag}> with {} bytes in it", content.len()));
        }
    }

    fn tag(&mut self, name: &str, attributes: &BTreeMap<String, String>) {
        let value = |name: &str| attributes.get(name).map(|value| value.trim().to_owned());
        let mut refer = |used_as, url: Option<String>| {
            self.references.extend(url.filter(|url| !url.is_empty()).map(|url| Reference { used_as, url }));
        };
        match name {
            "link" => {
                let rel = value("rel").unwrap_or_default().to_ascii_lowercase();
                if let Some(used_as) = of_link(&rel, value("as").as_deref()) {
                    refer(used_as, value("href"));
                }
            }
            "script" => refer(UsedAs::Script, value("src")),
            "img" | "source" | "input" | "image" | "video" => {
                refer(UsedAs::Picture, value(if name == "video" { "poster" } else { "src" }));
                for url in candidates(&value("srcset").unwrap_or_default()) {
                    refer(UsedAs::Picture, Some(url));
                }
                if name == "image" {
                    refer(UsedAs::Picture, value("href"));
                }
            }
            "use" => refer(UsedAs::Picture, value("href").filter(|href| !href.starts_with('#'))),
            "iframe" | "embed" | "audio" | "track" => refer(UsedAs::Other, value("src")),
            "object" => refer(UsedAs::Other, value("data")),
            "a" => self.links.extend(value("href")),
            "form" => {
                let id = value("id").unwrap_or_default();
                let action = value("action").unwrap_or_default();
                let multipart = value("enctype").is_some_and(|kind| kind == "multipart/form-data");
                self.forms.push(Form { id, action, multipart, fields: IndexMap::new() });
            }
            _ => {}
        }
        if let (Some(form), Some(name), Some(value)) = (self.forms.last_mut(), value("name"), value("value"))
        {
            form.fields.insert(name, value);
        }
        for (attribute, value) in attributes {
            let address = value.trim_start().to_ascii_lowercase();
            if attribute.starts_with("on") || attribute == "style" {
                self.inline.push(format!("<{name} {attribute}=…>"));
            } else if address.starts_with("javascript:") {
                self.inline.push(format!("<{name} {attribute}=\"javascript:…\">"));
            }
        }
    }
}

/// What a `<link>` of this `rel` (and `as`) fetches; none where it fetches nothing.
fn of_link(rel: &str, preloaded_as: Option<&str>) -> Option<UsedAs> {
    let rel: Vec<&str> = rel.split_ascii_whitespace().collect();
    let is = |name: &str| rel.contains(&name);
    match preloaded_as {
        _ if is("stylesheet") => Some(UsedAs::Style),
        _ if is("icon") || is("apple-touch-icon") || is("mask-icon") => Some(UsedAs::Picture),
        _ if is("manifest") => Some(UsedAs::Manifest),
        _ if is("modulepreload") => Some(UsedAs::Script),
        Some("style") if is("preload") => Some(UsedAs::Style),
        Some("script") if is("preload") => Some(UsedAs::Script),
        Some("image") if is("preload") => Some(UsedAs::Picture),
        Some("font") if is("preload") => Some(UsedAs::Font),
        _ if is("preload") || is("prefetch") => Some(UsedAs::Other),
        _ => None,
    }
}

/// The URLs of a `srcset`.
fn candidates(srcset: &str) -> Vec<String> {
    let urls = srcset.split(',').filter_map(|candidate| candidate.split_ascii_whitespace().next());
    urls.map(str::to_owned).collect()
}

/// What a style sheet refers to: `url(…)` and `@import "…"`. Pictures within it (`data:`) are fetched from nowhere.
pub fn of_style(css: &str) -> Vec<Reference> {
    let css = without_comments(css);
    let mut references = Vec::new();
    for (at, _) in css.match_indices("url(") {
        let Some((inside, _)) = css[at + 4..].split_once(')') else { continue };
        let url = inside.trim().trim_matches(['"', '\'']).to_owned();
        // What comes before decides what it is: `src:` in @font-face, `@import`, or a picture.
        let before = &css[..at];
        let statement = &before[before.rfind(['{', '}', ';']).map_or(0, |start| start + 1)..];
        let in_face = before.rfind('{').is_some_and(|open| before[..open].trim_end().ends_with("@font-face"));
        let used_as = match statement {
            _ if statement.trim_start().starts_with("@import") => UsedAs::Style,
            _ if in_face => UsedAs::Font,
            _ => UsedAs::Picture,
        };
        if !url.starts_with("data:") && !url.starts_with('#') && !url.is_empty() {
            references.push(Reference { used_as, url });
        }
    }
    for (at, _) in css.match_indices("@import") {
        let rest = css[at + "@import".len()..].trim_start();
        let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
        if let Some((url, _)) = quote.and_then(|quote| rest[1..].split_once(quote)) {
            references.push(Reference { used_as: UsedAs::Style, url: url.to_owned() });
        }
    }
    references
}

fn without_comments(css: &str) -> String {
    let mut parts = css.split("/*");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once("*/").map_or("", |(_, rest)| rest));
    }
    kept
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn urls(references: &[Reference]) -> Vec<(UsedAs, &str)> {
        references.iter().map(|reference| (reference.used_as, reference.url.as_str())).collect()
    }

    #[test]
    fn all_that_a_page_fetches_is_found() {
        let page = read(
            "<!doctype html><link rel=stylesheet href=/a.css><link rel='shortcut icon' href=/i.svg>\
             <link rel=canonical href=/me><script type=module src=/a.js></script>\
             <img src=/a.png srcset='/b.png 1x, /c.png 2x'><picture><source srcset=/d.webp></picture>\
             <link rel=preload as=font href=/f.woff2><use href='#here'></use>",
        );
        assert_eq!(
            urls(&page.references),
            [
                (UsedAs::Style, "/a.css"),
                (UsedAs::Picture, "/i.svg"),
                (UsedAs::Script, "/a.js"),
                (UsedAs::Picture, "/a.png"),
                (UsedAs::Picture, "/b.png"),
                (UsedAs::Picture, "/c.png"),
                (UsedAs::Picture, "/d.webp"),
                (UsedAs::Font, "/f.woff2"),
            ]
        );
        assert_eq!(page.inline, Vec::<String>::new());
    }

    #[rstest]
    #[case::script("<script>go()</script>")]
    #[case::style("<style>p{}</style>")]
    #[case::handler("<button onclick=go()>")]
    #[case::handler_in_capitals("<button ONCLICK=go()>")]
    #[case::style_attribute("<p style='color:red'>")]
    #[case::address("<a href=' JavaScript:go()'>")]
    #[case::without_scripts("<noscript><p style=x></noscript>")]
    fn what_a_page_runs_by_itself_is_found(#[case] html: &str) {
        assert_eq!(read(html).inline.len(), 1, "{html}");
    }

    #[test]
    fn text_that_only_looks_like_a_script_is_none() {
        let page = read(
            "<p>&lt;script&gt;go()&lt;/script&gt;</p><!-- <script>go()</script> --><title><b style=x></title>",
        );
        assert_eq!(page, Html::default());
    }

    #[test]
    fn a_form_is_read_with_what_is_filled_in() {
        let page = read(
            "<form id=f action=/log-in method=post><input type=hidden name=csrf value='a&amp;b'>\
             <input name=email></form><a href='/sign-up?next=%2F'>x</a>",
        );
        let fields = IndexMap::from([("csrf".to_owned(), "a&b".to_owned())]);
        assert_eq!(page.forms, [Form { id: "f".into(), action: "/log-in".into(), multipart: false, fields }]);
        assert_eq!(page.links, ["/sign-up?next=%2F"]);
    }

    #[test]
    fn all_that_a_style_sheet_fetches_is_found() {
        let css = "@import \"/b.css\"; @import url(/c.css);\n/* url(/no.png) */ \
                   @font-face { font-family: x; src: url('/f.woff2') format('woff2') } \
                   p { background: url( \"/p.svg\" ); mask: url(data:image/png;base64,AA==) }";
        let mut found = of_style(css);
        found.sort();
        let expected = [
            (UsedAs::Style, "/b.css"),
            (UsedAs::Style, "/c.css"),
            (UsedAs::Picture, "/p.svg"),
            (UsedAs::Font, "/f.woff2"),
        ];
        assert_eq!(urls(&found), expected);
    }
}
