//! `smoke.browser.*` on a sound stack, and the defects that each check is there for.

use stack::Stack;

use super::Defect;
use crate::{
    check::browser::{STORY, WITHOUT_SCRIPTS},
    observation::{Browser, Fetched, Observations, Page},
};

pub(super) fn green(_stack: &Stack) -> Browser {
    let mut browser = Browser::default();
    for (fact, _, expected) in STORY {
        browser.story.fact(fact, true, *expected);
    }
    browser.without_scripts.fact(WITHOUT_SCRIPTS, true, "all of it");
    let url = "https://shakedown.localhost:8443/gallery".to_owned();
    browser.fetched.push(Fetched { url, own: true, status: Ok(200) });
    for width in [1280, 390] {
        let (path, language) = ("/gallery".into(), "en".into());
        browser.pages.push(Page { path, width, headings: 1, language, bytes: 30_000, ..Page::default() });
    }
    browser
}

type Change = Box<dyn Fn(&mut Browser)>;

pub(super) fn defects(_stack: &Stack) -> Vec<(String, Defect)> {
    let story = STORY.iter().map(|&(fact, ..)| -> (&str, Change) {
        (fact, Box::new(move |browser| browser.story.fact(fact, false, "otherwise")))
    });
    let others: [(&str, Change); 12] = [
        (
            WITHOUT_SCRIPTS,
            Box::new(|browser| browser.without_scripts.fact(WITHOUT_SCRIPTS, false, "no button")),
        ),
        ("console", Box::new(|browser| browser.console.push("a script failed".into()))),
        ("fetched", Box::new(|browser| browser.fetched[0].status = Ok(404))),
        ("fetched", Box::new(|browser| browser.fetched[0].status = Err("reset".into()))),
        ("own_origin", Box::new(|browser| browser.fetched[0].own = false)),
        ("narrow", Box::new(|browser| browser.pages[1].overflow = 12)),
        ("named", Box::new(|browser| browser.pages[0].nameless.push("input email".into()))),
        ("named", Box::new(|browser| browser.pages[0].headings = 0)),
        ("named", Box::new(|browser| browser.pages[0].headings = 2)),
        ("named", Box::new(|browser| browser.pages[0].language.clear())),
        ("weight", Box::new(|browser| browser.pages[0].bytes = 100_000)),
        ("weight", Box::new(|browser| browser.pages[1].bytes = 250_000)),
    ];
    let with = |(name, change): (&str, Change)| -> (String, Defect) {
        let defect: Defect =
            Box::new(move |seen: &mut Observations| change(seen.browser.seen.as_mut().unwrap()));
        (format!("smoke.browser.{name}"), defect)
    };
    story.chain(others).map(with).collect()
}
