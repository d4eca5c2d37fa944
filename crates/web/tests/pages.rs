//! Holds of every page in every state, whatever text is in it.

#[path = "../examples/pages/sample.rs"]
mod sample;

use std::collections::{BTreeMap, BTreeSet};

use html5gum::{DefaultEmitter, Token, Tokenizer};
use web::page::assets;

/// A page with all its assets has fewer bytes than this, whatever the proxy compresses.
const PAGE_BYTES: usize = 100_000;

/// Markup, both quotes, an entity, a right-to-left override, and a way out of a script.
const HOSTILE: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lt;\u{202e}gpj.exe</textarea></title>";

/// A start tag; an end tag is one whose name begins with a slash.
#[derive(Debug)]
struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
}

impl Tag {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

fn tags(html: &str) -> Vec<Tag> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Tokenizer::<_, DefaultEmitter>::new(html)
        .filter_map(|token| match token.unwrap() {
            Token::StartTag(tag) => Some(Tag {
                name: text(&tag.name),
                attributes: tag.attributes.iter().map(|(name, value)| (text(name), text(value))).collect(),
            }),
            Token::EndTag(tag) => {
                Some(Tag { name: format!("/{}", text(&tag.name)), attributes: BTreeMap::new() })
            }
            _ => None,
        })
        .collect()
}

/// Pages as they usually are, and pages full of hostile text.
fn all_pages() -> Vec<(String, String)> {
    let named = |kind: &str, pages: Vec<(&'static str, String)>| -> Vec<(String, String)> {
        pages.into_iter().map(|(name, html)| (format!("{name} ({kind})"), html)).collect()
    };
    [named("usual", sample::pages()), named("hostile", sample::pages_with(HOSTILE))].concat()
}

#[test]
fn hostile_text_adds_no_tag_and_no_attribute() {
    for ((name, usual), (_, hostile)) in sample::pages().into_iter().zip(sample::pages_with(HOSTILE)) {
        assert!(!hostile.contains("<script>") && !hostile.contains("<img src=x"), "{name}");
        let names = |html: &str| -> BTreeSet<String> {
            tags(html)
                .iter()
                .flat_map(|tag| tag.attributes.keys().map(|key| format!("{} {key}", tag.name)))
                .collect()
        };
        let added: Vec<_> = names(&hostile).difference(&names(&usual)).cloned().collect();
        assert!(added.is_empty(), "{name}: {added:?}");
    }
}

#[test]
fn hostile_text_is_shown_as_it_is_and_cannot_turn_what_follows() {
    for page in ["account", "job-failed"] {
        let pages = sample::pages_with(HOSTILE);
        let html = &pages.iter().find(|(name, _)| *name == page).unwrap().1;
        // Text of somebody else's is isolated, so that its direction ends with it.
        assert!(html.contains("<bdi>&#60;script&#62;"), "{page}");
    }
}

#[test]
fn nothing_in_a_page_needs_inline_script_or_style() {
    for (name, html) in all_pages() {
        for tag in tags(&html) {
            assert_ne!(tag.name, "style", "{name}");
            if tag.name == "script" {
                assert!(tag.get("src").is_some(), "{name}: {tag:?}");
            }
            for (attribute, value) in &tag.attributes {
                assert!(attribute != "style" && !attribute.starts_with("on"), "{name}: {tag:?}");
                assert!(!value.trim().to_lowercase().starts_with("javascript:"), "{name}: {tag:?}");
            }
        }
    }
}

/// Addresses of the assets that a page refers to, and that its style sheets refer to in turn.
fn referenced(html: &str) -> BTreeSet<String> {
    let own = tags(html)
        .into_iter()
        .filter(|tag| tag.name != "a")
        .filter_map(|tag| tag.get("src").or(tag.get("href")).map(str::to_owned))
        .filter(|address| address.starts_with("/assets/"));
    let mut found: BTreeSet<String> = own.collect();
    for address in found.clone() {
        if asset(&address).content_type.starts_with("text/css") {
            let style = String::from_utf8_lossy(asset(&address).content);
            found.extend(
                style.split("url(").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())),
            );
        }
    }
    found
}

fn asset(address: &str) -> assets::Asset {
    address
        .strip_prefix("/assets/")
        .and_then(assets::find)
        .unwrap_or_else(|| panic!("a page refers to {address}, which is no asset"))
}

#[test]
fn every_asset_that_a_page_refers_to_exists() {
    for (name, html) in all_pages() {
        let found = referenced(&html);
        assert!(found.iter().any(|address| asset(address).content_type.starts_with("text/css")), "{name}");
        for address in found {
            assert!(!asset(&address).content.is_empty(), "{name}: {address}");
        }
    }
}

#[test]
fn page_refers_to_nothing_from_elsewhere() {
    for (name, html) in all_pages() {
        for tag in tags(&html) {
            for attribute in ["src", "href", "action"] {
                let Some(address) = tag.get(attribute) else { continue };
                let ours = address.starts_with('#') || address.starts_with('/') && !address.starts_with("//");
                assert!(ours, "{name}: {tag:?}");
            }
        }
    }
}

#[test]
fn page_with_its_assets_is_light() {
    for (name, html) in all_pages() {
        let weight: usize =
            html.len() + referenced(&html).iter().map(|address| asset(address).content.len()).sum::<usize>();
        assert!(weight < PAGE_BYTES, "{name} weighs {weight} bytes");
    }
}

#[test]
fn every_field_has_a_label() {
    for (name, html) in all_pages() {
        let tags = tags(&html);
        let labelled: BTreeSet<&str> =
            tags.iter().filter(|tag| tag.name == "label").filter_map(|tag| tag.get("for")).collect();
        let mut inside_a_label = false;
        for tag in &tags {
            match tag.name.as_str() {
                "label" => inside_a_label = true,
                "/label" => inside_a_label = false,
                "input" | "select" | "textarea" | "progress" if tag.get("type") != Some("hidden") => {
                    let by_id = tag.get("id").is_some_and(|id| labelled.contains(id));
                    assert!(by_id || inside_a_label, "{name}: {tag:?}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn what_a_field_is_described_by_is_there_and_ids_are_unique() {
    for (name, html) in all_pages() {
        let tags = tags(&html);
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{name}: {ids:?}");
        for tag in &tags {
            for attribute in ["aria-describedby", "aria-labelledby"] {
                for id in tag.get(attribute).unwrap_or_default().split_whitespace() {
                    assert!(unique.contains(id), "{name}: {id}");
                }
            }
        }
    }
}

#[test]
fn page_has_one_heading_one_main_part_and_a_way_to_skip_to_it() {
    for (name, html) in all_pages() {
        let count = |wanted: &str| tags(&html).iter().filter(|tag| tag.name == wanted).count();
        for landmark in ["h1", "main", "header", "footer", "title"] {
            assert_eq!(count(landmark), 1, "{name}: {landmark}");
        }
        let first_link = tags(&html).into_iter().find(|tag| tag.name == "a").unwrap();
        assert_eq!(first_link.get("href"), Some("#main"), "{name}");
    }
}

#[test]
fn every_picture_has_a_text_and_a_size() {
    for (name, html) in all_pages() {
        for tag in tags(&html).iter().filter(|tag| tag.name == "img") {
            let attributes = ["alt", "width", "height"];
            assert!(attributes.iter().all(|attribute| tag.get(attribute).is_some()), "{name}: {tag:?}");
        }
    }
}

#[test]
fn every_form_that_changes_something_carries_the_token() {
    for (name, html) in all_pages() {
        let parts: Vec<&str> = html.split("<form").skip(1).collect();
        for form in parts {
            let form = form.split("</form>").next().unwrap();
            assert!(
                form.contains("method=\"post\"") && form.contains("name=\"csrf\" value=\"csrf-of-"),
                "{name}: {form}"
            );
        }
    }
}

#[test]
fn fields_of_an_upload_come_in_the_order_in_which_the_server_reads_them() {
    let pages = sample::pages();
    let html = &pages.iter().find(|(name, _)| *name == "gallery").unwrap().1;
    let form = html.split("id=\"upload-form\"").nth(1).unwrap().split("</form>").next().unwrap();
    let mut names: Vec<String> =
        tags(form).iter().filter_map(|tag| tag.get("name").map(str::to_owned)).collect();
    names.dedup();
    assert_eq!(names, ["csrf", "nonce", "effect", "ttl_seconds", "image"]);
}
