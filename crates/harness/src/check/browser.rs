//! `smoke.browser.*`: the whole story in a real browser.

use stack::Stack;

use super::{Check, Finding, Subject, smoke::judge_fact};
use crate::observation::{Browser, Observations, Page};

/// A page and all that it loads weighs less than this, in bytes: a second on a poor mobile line (1 Mbit/s).
const PAGE_BYTES: u64 = 100_000;

/// Facts of the story: check, claim, what is expected.
pub(super) const STORY: &[(&str, &str, &str)] = &[
    ("sign_up", "a person signs up in the browser and is let in", "the gallery, with an upload form"),
    ("preview", "a chosen photo is shown before it is sent", "a preview with pixels"),
    ("upload", "an upload leads through its progress to the result", "the result's page"),
    (
        "result",
        "the result is a painted picture with its description",
        "a picture with pixels, and a palette",
    ),
    ("countdown", "the time that is left counts down while one looks", "fewer seconds than before"),
    ("double", "a form that is sent twice makes one picture", "one picture in the gallery"),
    ("delete", "a deleted picture leaves the gallery", "no such picture"),
    ("session_over", "a session that is over is met with a kind word", "the log-in page, with a notice"),
    ("log_out", "after logging out, the back button shows nothing of the person", "the log-in page"),
];

/// The same for a browser without scripts.
pub(crate) const WITHOUT_SCRIPTS: &str = "without_scripts";

pub(super) fn checks(_stack: &Stack) -> Vec<Check> {
    let story = STORY.iter().map(|&(fact, claim, expected)| {
        browser(fact, claim, expected, move |seen| judge_fact(&seen.story, fact))
    });
    let mut all: Vec<Check> = story.collect();
    all.push(browser(
        WITHOUT_SCRIPTS,
        "everything works in a browser that runs no scripts",
        "signed up, uploaded, seen, deleted, logged out",
        |seen| judge_fact(&seen.without_scripts, WITHOUT_SCRIPTS),
    ));
    all.push(browser("console", "the browser's console stays clean", "no error", |seen| {
        refuted(&seen.pages, &seen.console, "no error")
    }));
    all.push(browser(
        "fetched",
        "everything that a page refers to is there",
        "each answered below 400",
        |seen| {
            let missing: Vec<String> = seen
                .fetched
                .iter()
                .filter(|fetched| !matches!(fetched.status, Ok(status) if status < 400))
                .map(|fetched| match &fetched.status {
                    Ok(status) => format!("{} answered {status}", fetched.url),
                    Err(why) => format!("{}: {why}", fetched.url),
                })
                .collect();
            refuted(&seen.fetched, &missing, &format!("{} fetched", seen.fetched.len()))
        },
    ));
    all.push(browser("own_origin", "the browser is sent to nobody else", "one origin", |seen| {
        let foreign: Vec<String> =
            seen.fetched.iter().filter(|fetched| !fetched.own).map(|fetched| fetched.url.clone()).collect();
        refuted(&seen.fetched, &foreign, "one origin")
    }));
    all.push(of_pages("narrow", "no page is wider than a phone", "nothing sticks out", |page| {
        (page.width < 600 && page.overflow > 0).then(|| format!("{} px stick out", page.overflow))
    }));
    all.push(of_pages(
        "named",
        "whoever cannot see a page is told what is on it",
        "a language, one main heading, a name for each field, button and link",
        |page| {
            let mut wrong = page.nameless.clone();
            if page.headings != 1 {
                wrong.push(format!("{} main headings", page.headings));
            }
            if page.language.is_empty() {
                wrong.push("no language".into());
            }
            (!wrong.is_empty()).then(|| wrong.join(", "))
        },
    ));
    all.push(of_pages("weight", "a page weighs less than 100 kB in all", "below 100,000 bytes", |page| {
        (page.bytes >= PAGE_BYTES).then(|| format!("{} bytes", page.bytes))
    }));
    all
}

fn browser(
    name: &str,
    claim: &str,
    expected: &str,
    judge: impl Fn(&Browser) -> Finding + Send + Sync + 'static,
) -> Check {
    Check::new(
        format!("smoke.browser.{name}"),
        Subject::Browser,
        claim,
        expected,
        move |seen: &Observations| match &seen.browser.seen {
            Err(why) => Finding::Unknown(why.clone()),
            Ok(Browser { without: Some(why), .. }) => Finding::Skipped(why.clone()),
            Ok(browser) => judge(browser),
        },
    )
}

/// A claim that holds for each page; `wrong` tells what is wrong with one.
fn of_pages(
    name: &str,
    claim: &str,
    expected: &str,
    wrong: impl Fn(&Page) -> Option<String> + Send + Sync + 'static,
) -> Check {
    browser(name, claim, expected, move |seen| {
        let told = |page: &Page| Some(format!("{} at {} px: {}", page.path, page.width, wrong(page)?));
        let wrong: Vec<String> = seen.pages.iter().filter_map(told).collect();
        let heaviest = seen.pages.iter().map(|page| page.bytes).max().unwrap_or_default();
        refuted(&seen.pages, &wrong, &format!("{} pages, the heaviest of {heaviest} bytes", seen.pages.len()))
    })
}

/// Pass where nothing is wrong and there was something to look at.
fn refuted<T>(looked_at: &[T], wrong: &[String], right: &str) -> Finding {
    if looked_at.is_empty() {
        return Finding::Unknown("the browser saw nothing".into());
    }
    Finding::judged(wrong.is_empty(), if wrong.is_empty() { right.to_owned() } else { wrong.join("; ") })
}
