//! The smoke story once more, as a person with a browser has it: Chromium, the pages, what they fetch and how they lie.

mod look;
mod story;
mod tab;
mod without_scripts;

use std::path::Path;

use crate::{
    browser::{Driver, Manner, Programs, Site, WIDE},
    observation::{Browser, Seen},
    running::RunningStack,
};

pub(crate) use story::{AT_GALLERY, RESULT};
pub(crate) use tab::Tab;

/// At least two cards, their pictures painted.
pub(crate) const PAINTED_CARDS: &str = "const cards = [...document.querySelectorAll('.image-card img')]; \
                                        return cards.length >= 2 && cards.every((image) => image.naturalWidth > 0)";

/// What Chromium says when an interface of the machine came or went: it drops its connections then, and containers that
/// start anywhere on the machine are enough for that. It says nothing about the stack.
const NETWORK_CHANGED: &str = "ERR_NETWORK_CHANGED";
/// How often the story is begun again after that.
const TELLINGS: u32 = 4;

/// Tells the story in two browsers, one of which runs no scripts. Where no browser is installed, says so.
pub async fn observe(running: &RunningStack) -> Seen<Browser> {
    let programs = match Programs::find() {
        Ok(programs) => programs,
        Err(without) => return Ok(Browser { without: Some(without), ..Browser::default() }),
    };
    let photo = running.plan().run.write("portrait.jpg", super::photo::PORTRAIT);
    let photo = photo.map_err(|error| format!("the photo to upload: {error}"))?;
    let driver = open(running, programs).await?;
    let mut seen = Err("the story was not told".into());
    for telling in 1..=TELLINGS {
        seen = tell(running, &driver, &photo, telling).await;
        if !seen.as_ref().is_ok_and(was_disturbed) {
            break;
        }
        seen = Err("the machine's network changed each time that the browser looked; do containers come and go here?".into());
    }
    driver.stop().await;
    seen.map(without_disturbances)
}

/// The story broke off, or something was not as it must be, while the machine's network changed.
fn was_disturbed(seen: &Browser) -> bool {
    let disturbed = seen
        .fetched
        .iter()
        .any(|fetched| fetched.status.as_ref().is_err_and(|why| why.contains(NETWORK_CHANGED)));
    let told = [&seen.story, &seen.without_scripts];
    let wrong =
        told.iter().any(|story| story.broken.is_some() || story.facts.values().any(|(holds, _)| !holds));
    disturbed && wrong
}

/// Chromium fetched again what it had lost.
fn without_disturbances(mut seen: Browser) -> Browser {
    seen.fetched.retain(|fetched| !fetched.status.as_ref().is_err_and(|why| why.contains(NETWORK_CHANGED)));
    seen.console.retain(|error| !error.contains(NETWORK_CHANGED));
    seen
}

/// Starts a driver for a running stack; what it writes goes into the run's folder.
pub async fn open(running: &RunningStack, programs: Programs) -> Seen<Driver> {
    let site = Site {
        origin: running.public_origin()?,
        address: running.entrance_address().await?.to_string(),
        trusted_key: running.authority()?.spki_sha256_base64(),
    };
    Driver::start(programs, site, &running.plan().run.folder.join("browser")).await
}

async fn tell(running: &RunningStack, driver: &Driver, photo: &Path, telling: u32) -> Seen<Browser> {
    let marker = &running.plan().run.marker;
    let open = async |name: &str, scripts| {
        let manner = Manner { scripts, dark: false, size: WIDE };
        let name = format!("{name}-{telling}");
        open_tab(running, driver, &name, manner, &format!("{name}-{marker}@example.org")).await
    };
    let (with, without) = tokio::join!(open("with-scripts", true), open("without-scripts", false));
    let (with, without) = (with?, without?);
    let mut seen = Browser::default();
    let ((), without_scripts) =
        tokio::join!(story::tell(&with, running, photo, &mut seen), without_scripts::tell(&without, photo));
    seen.without_scripts = without_scripts;
    for tab in [with, without] {
        look::keep_logs(&tab, &mut seen).await?;
        // A browser that would not close is closed by the driver's end.
        let _ = tab.driver.quit().await;
    }
    Ok(seen)
}

/// Opens a browser of its own for a person.
pub(crate) async fn open_tab(
    running: &RunningStack,
    driver: &Driver,
    name: &str,
    manner: Manner,
    email: &str,
) -> Seen<Tab> {
    Ok(Tab {
        driver: driver.open(name, manner).await?,
        origin: running.public_origin()?,
        email: email.to_owned(),
        password: running.password().reveal().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Fetched;

    fn lost() -> Browser {
        let status = Err(format!("net::{NETWORK_CHANGED}"));
        Browser { fetched: vec![Fetched { url: "u".into(), own: true, status }], ..Browser::default() }
    }

    #[test]
    fn a_story_that_the_machine_disturbed_is_told_again_and_a_wrong_one_is_not() {
        let mut disturbed = lost();
        assert!(!was_disturbed(&disturbed), "it went well all the same");
        disturbed.story.fact("sign_up", false, "no gallery");
        assert!(was_disturbed(&disturbed));
        disturbed.fetched.clear();
        assert!(!was_disturbed(&disturbed));
    }

    #[test]
    fn what_chromium_lost_with_the_network_is_no_failure_of_the_stack() {
        assert_eq!(without_disturbances(lost()).fetched, []);
    }
}
