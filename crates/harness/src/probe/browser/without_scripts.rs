//! The story in a browser that runs no scripts: forms and links alone.

use std::path::Path;

use super::{
    story::{AT_GALLERY, press_delete},
    tab::Tab,
};
use crate::{check::WITHOUT_SCRIPTS, observation::Story};

const PAINTED: &str = "return location.pathname.startsWith('/gallery/') \
                       && [...document.images].some((image) => image.naturalWidth >= 200)";

pub(super) async fn tell(tab: &Tab, photo: &Path) -> Story {
    let mut story = Story::default();
    match steps(tab, photo).await {
        Ok(()) => story.fact(WITHOUT_SCRIPTS, true, "signed up, uploaded, seen, deleted, logged out"),
        Err(why) => story.fact(WITHOUT_SCRIPTS, false, why),
    }
    story
}

async fn steps(tab: &Tab, photo: &Path) -> Result<(), String> {
    tab.credentials("/sign-up", "#sign-up-form").await?;
    tab.shows("the gallery", AT_GALLERY).await?;
    tab.choose("#upload-form", photo).await?;
    tab.press("#upload-form button").await?;
    tab.shows("the result's page with its picture", PAINTED).await?;
    press_delete(tab).await?;
    tab.shows("an empty gallery", &format!("{AT_GALLERY} && !document.querySelector('.image-card')")).await?;
    tab.press("#log-out-form button").await?;
    tab.shows("a page for anybody", "return !document.querySelector('#log-out-form')").await?;
    Ok(())
}
