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

use tab::Tab;

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
    let site = Site { origin: String::new(), address: String::new(), trusted_key: String::new() };
    Driver::start(programs, site, &running.plan().run.folder.join("browser")).await
}

async fn tell(running: &RunningStack, driver: &Driver) -> Seen<Browser> {
    let photo = running.plan().run.write("portrait.jpg", super::photo::PORTRAIT);
    let photo = photo.map_err(|error| format!("the photo to upload: {error}"))?;
    let (with, without) = tokio::join!(
        open_tab(running, driver, "with-scripts", true),
        open_tab(running, driver, "without-scripts", false)
    );
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

async fn open_tab(running: &RunningStack, driver: &Driver, name: &str, scripts: bool) -> Seen<Tab> {
    let manner = Manner { scripts, dark: false, size: WIDE };
    Ok(Tab {
        driver: driver.open(name, manner).await?,
        origin: String::new(),
        email: format!("{name}-{}@example.org", running.plan().run.marker),
        password: running.password().reveal().to_owned(),
    })
}
