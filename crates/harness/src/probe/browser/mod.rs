//! The smoke story once more, as a person with a browser has it: Chromium, the pages, what they fetch and how they lie.

mod look;
mod story;
mod tab;
mod without_scripts;

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

/// Tells the story in two browsers, one of which runs no scripts. Where no browser is installed, says so.
pub async fn observe(running: &RunningStack) -> Seen<Browser> {
    let programs = match Programs::find() {
        Ok(programs) => programs,
        Err(without) => return Ok(Browser { without: Some(without), ..Browser::default() }),
    };
    let driver = open(running, programs).await?;
    let seen = tell(running, &driver).await;
    driver.stop().await;
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

async fn tell(running: &RunningStack, driver: &Driver) -> Seen<Browser> {
    let photo = running.plan().run.write("portrait.jpg", super::photo::PORTRAIT);
    let photo = photo.map_err(|error| format!("the photo to upload: {error}"))?;
    let marker = &running.plan().run.marker;
    let open = async |name: &str, scripts| {
        let manner = Manner { scripts, dark: false, size: WIDE };
        open_tab(running, driver, name, manner, &format!("{name}-{marker}@example.org")).await
    };
    let (with, without) = tokio::join!(open("with-scripts", true), open("without-scripts", false));
    let (with, without) = (with?, without?);
    let mut seen = Browser::default();
    let (pages, without_scripts) = tokio::join!(
        story::tell(&with, running, &photo, &mut seen.story),
        without_scripts::tell(&without, &photo)
    );
    seen.pages = pages;
    seen.without_scripts = without_scripts;
    for tab in [with, without] {
        let (console, fetched) =
            look::logs(&tab).await.map_err(|error| crate::browser::first_line(&error))?;
        seen.console.extend(console);
        seen.fetched.extend(fetched);
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
