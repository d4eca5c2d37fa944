//! Pictures of the running product for people who would rather look than read: a fresh run, a person with two photos, the
//! pages at a desk and in a hand.

use std::{
    fs,
    path::{Path, PathBuf},
};

use stack::Stack;

use crate::{
    browser::{self, Driver, Manner, NARROW, Programs, WIDE, first_line},
    event::Events,
    gate::{self, GateError},
    probe::{browser as pages, photo},
    run::Fate,
    runner::{Pace, RunnerError},
    running::RunningStack,
};

/// Why there are no screenshots.
#[derive(Debug, thiserror::Error)]
pub enum ScreenshotError {
    /// The stack could not be begun.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The stack is not one that people can look at.
    #[error("the stack never came up: service `{service}` {last_seen}")]
    NotUp {
        /// The service.
        service: String,
        /// What was last seen of it.
        last_seen: String,
    },
    /// The browser, or what it showed.
    #[error("{0}")]
    Browser(String),
    /// The files.
    #[error("{path}: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The run could not be removed.
    #[error(transparent)]
    Leftovers(#[from] RunnerError),
}

/// Brings `stack` up in a run of its own, takes the screenshots into `into`, and takes it down again. Returns the files.
pub async fn take(
    stack: Stack,
    images: &Path,
    repository: &Path,
    into: &Path,
    events: &Events,
) -> Result<Vec<PathBuf>, ScreenshotError> {
    let programs = Programs::find().map_err(ScreenshotError::Browser)?;
    let write = |source| ScreenshotError::Write { path: into.into(), source };
    fs::create_dir_all(into).map_err(write)?;
    let (platform, images) = gate::prepare(images, repository, None, events).await?;
    let brought = gate::begin(stack, platform, images, Fate::Removed, Pace::Together, events).await?;
    let taken = match brought.bring_up.failure {
        Some(failure) => {
            Err(ScreenshotError::NotUp { service: failure.service, last_seen: failure.last_seen })
        }
        None => events.step("screenshots", of_running(&brought.running, programs, into)).await,
    };
    brought.running.teardown().await?;
    taken
}

async fn of_running(
    running: &RunningStack,
    programs: Programs,
    into: &Path,
) -> Result<Vec<PathBuf>, ScreenshotError> {
    let driver = pages::open(running, programs).await.map_err(ScreenshotError::Browser)?;
    let shots = shots(running, &driver).await;
    driver.stop().await;
    let mut files = Vec::new();
    for (name, png) in shots.map_err(ScreenshotError::Browser)? {
        let path = into.join(format!("{name}.png"));
        fs::write(&path, png).map_err(|source| ScreenshotError::Write { path: path.clone(), source })?;
        files.push(path);
    }
    Ok(files)
}

/// The screenshots by name: the story of one person, looked at in light and in dark.
async fn shots(running: &RunningStack, driver: &Driver) -> Result<Vec<(&'static str, Vec<u8>)>, String> {
    let portrait = running.plan().run.write("portrait.jpg", photo::PORTRAIT);
    let portrait = portrait.map_err(|error| format!("the photo to upload: {error}"))?;
    let light = Manner { scripts: true, dark: false, size: WIDE };
    let email = "ada@example.org";
    let person = pages::open_tab(running, driver, "light", light, email).await?;
    let mut shots = Vec::new();
    let shoot = |tab: &pages::Tab| {
        let driver = tab.driver.clone();
        async move { driver.screenshot_as_png().await.map_err(|error| first_line(&error)) }
    };
    person.go("/").await?;
    shots.push(("landing", shoot(&person).await?));
    person.credentials("/sign-up", "#sign-up-form").await?;
    let mut result = String::new();
    for effect in ["duotone", "halftone"] {
        person.shows("the gallery", pages::AT_GALLERY).await?;
        person.choose("#upload-form", &portrait).await?;
        person.press(&format!("#upload-form label:has([value={effect}])")).await?;
        person.press("#upload-form button").await?;
        person.shows("the result", pages::RESULT).await?;
        result = person.path().await?;
        if effect == "duotone" {
            person.go("/gallery").await?;
        }
    }
    shots.push(("result", shoot(&person).await?));
    person.go("/gallery").await?;
    person.shows("two painted pictures", pages::PAINTED_CARDS).await?;
    shots.push(("gallery", shoot(&person).await?));
    let dark = Manner { dark: true, size: NARROW, ..light };
    let hand = pages::open_tab(running, driver, "dark", dark, email).await?;
    hand.credentials("/log-in", "#log-in-form").await?;
    hand.shows("the gallery", pages::AT_GALLERY).await?;
    hand.go(&result).await?;
    hand.shows("the result", pages::RESULT).await?;
    browser::resize(&hand.driver, NARROW).await.map_err(|error| first_line(&error))?;
    shots.push(("result-dark-narrow", shoot(&hand).await?));
    for tab in [person, hand] {
        // A browser that would not close is closed by the driver's end.
        let _ = tab.driver.quit().await;
    }
    Ok(shots)
}
