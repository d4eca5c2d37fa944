//! The whole story in a browser that runs scripts.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;

use super::{look, tab::Tab};
use crate::{
    observation::{Browser, Story},
    running::RunningStack,
};

pub(crate) const AT_GALLERY: &str =
    "return location.pathname === '/gallery' && !!document.querySelector('#upload-form')";
const PREVIEWED: &str = "return document.querySelector('#preview')?.naturalWidth > 0";
const AT_RESULT: &str = "return /^\\/gallery\\/[0-9a-f-]{36}$/.test(location.pathname)";
/// The result's page, and its picture painted.
pub(crate) const RESULT: &str = "const picture = [...document.images].find((image) => image.naturalWidth >= 200); \
                      return location.pathname.match(/^\\/gallery\\/[0-9a-f-]{36}$/) && picture?.complete \
                      && `${picture.naturalWidth} by ${picture.naturalHeight} pixels`";
const DESCRIPTION: &str = "return document.querySelector('#description')?.textContent.trim().length ?? 0";
const TIME_LEFT: &str = "return document.querySelector('.time-left .clock')?.textContent.trim() ?? ''";
/// Sends the upload form twice at once and tells which jobs that made.
const SEND_TWICE: &str = "const done = arguments[arguments.length - 1]; \
                          const form = document.querySelector('#upload-form'); \
                          const send = () => fetch(form.action, { method: 'POST', body: new FormData(form), \
                            headers: { Accept: 'application/json' } }) \
                            .then((answer) => answer.json().then((body) => body.job ?? `${answer.status}`)); \
                          Promise.all([send(), send()]).then(done, (error) => done([`${error}`]))";
const AT_LOG_IN: &str = "return location.pathname === '/log-in' && !!document.querySelector('#log-in-form')";
const NOTICE: &str = "return document.querySelector('#notice')?.textContent.trim() ?? ''";
const CARDS: &str = "return [...document.querySelectorAll('.image-card')].map((card) => card.dataset.id)";

/// Tells the story, and measures every page on the way. It breaks off where it cannot go on.
pub(super) async fn tell(tab: &Tab, running: &RunningStack, photo: &Path, seen: &mut Browser) {
    if let Err(why) = steps(tab, running, photo, seen).await {
        seen.story.broken = Some(why);
    }
}

async fn steps(tab: &Tab, running: &RunningStack, photo: &Path, seen: &mut Browser) -> Result<(), String> {
    for path in ["/", "/sign-up", "/log-in"] {
        seen.pages.extend(look::at_both_widths(tab, path).await?);
    }
    let story = &mut seen.story;
    tab.credentials("/sign-up", "#sign-up-form").await?;
    keep(story, "sign_up", tab.shows("the gallery", AT_GALLERY).await.map(|_| "the gallery".into()))?;

    tab.choose("#upload-form", photo).await?;
    let previewed = tab.shows("a preview", PREVIEWED).await;
    keep(story, "preview", previewed.map(|_| "a preview with pixels".into()))?;
    tab.press("#upload-form button").await?;
    let arrived = tab.shows("the result's page", AT_RESULT).await;
    keep(story, "upload", arrived.map(|_| "the result's page".into()))?;
    let painted = tab.shows("a painted picture", RESULT).await;
    let described = tab.ask(DESCRIPTION).await?.as_u64().unwrap_or_default();
    let pixels = painted.as_ref().ok().and_then(Value::as_str).map(str::to_owned);
    let told = painted.as_ref().err().cloned().or(pixels).unwrap_or_default();
    story.fact(
        "result",
        painted.is_ok() && described > 0,
        format!("{told}, {described} characters of description"),
    );
    let result = tab.path().await?;
    counts_down(tab, story).await?;
    for path in [result.as_str(), "/gallery", "/account"] {
        seen.pages.extend(look::at_both_widths(tab, path).await?);
    }
    look::keep_logs(tab, seen).await?;
    let job = sends_twice(tab, photo, &mut seen.story).await?;
    // One of the two was told to come back: that is no error of a page.
    look::drop_logs(tab).await?;
    if let Some(job) = job {
        tab.go(&job).await?;
        tab.shows("the second result", RESULT).await?;
    }
    deletes(tab, &result, &mut seen.story).await?;
    session_ends(tab, running, &mut seen.story).await?;
    logs_out(tab, &mut seen.story).await
}

/// Keeps a step that the story cannot go on without.
fn keep(story: &mut Story, fact: &str, step: Result<String, String>) -> Result<(), String> {
    match step {
        Ok(told) => story.fact(fact, true, told),
        Err(why) => {
            story.fact(fact, false, why.clone());
            return Err(why);
        }
    }
    Ok(())
}

async fn counts_down(tab: &Tab, story: &mut Story) -> Result<(), String> {
    let before = tab.ask(TIME_LEFT).await?;
    let changed = format!("const now = (() => {{ {TIME_LEFT} }})(); return now !== {before} && now");
    let after = tab.shows("another time left", &changed).await;
    let told = after.as_ref().map_or_else(Clone::clone, |after| format!("{before}, then {after}"));
    let less = after.is_ok_and(|after| seconds(&after) < seconds(&before));
    story.fact("countdown", less, told);
    Ok(())
}

/// `59:58` or `1:00:00` → seconds.
fn seconds(text: &Value) -> Option<u64> {
    let clock = text.as_str().filter(|text| text.contains(':'))?;
    clock.split(':').try_fold(0, |sum, part| Some(sum * 60 + part.parse::<u64>().ok()?))
}

/// Returns the job, where there is just one.
async fn sends_twice(tab: &Tab, photo: &Path, story: &mut Story) -> Result<Option<String>, String> {
    tab.go("/gallery").await?;
    tab.choose("#upload-form", photo).await?;
    let answers = tab.ask_and_wait(SEND_TWICE).await?;
    let mut made: Vec<&str> = answers.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let told = made.join(" and ");
    // The second may be told to come back while the first is still on its way.
    made.retain(|answer| *answer != "409");
    made.dedup();
    let one = made.len() == 1 && made[0].starts_with("/jobs/");
    story.fact("double", one, if one { "one job".into() } else { told });
    Ok(one.then(|| made[0].to_owned()))
}

async fn deletes(tab: &Tab, result: &str, story: &mut Story) -> Result<(), String> {
    tab.go(result).await?;
    press_delete(tab).await?;
    tab.shows("the gallery", AT_GALLERY).await?;
    let left = tab.ask(CARDS).await?;
    let id = result.rsplit('/').next().unwrap_or_default();
    let gone = !left.to_string().contains(id);
    let told = if gone { "it has left the gallery" } else { "it is still in the gallery" };
    story.fact("delete", gone, told);
    Ok(())
}

/// Deleting takes a second step, so that nobody does it by accident.
pub(super) async fn press_delete(tab: &Tab) -> Result<(), String> {
    tab.press("details.confirm summary").await?;
    tab.press("#delete-form button").await
}

/// Ends the session behind the browser's back, as time would.
async fn session_ends(tab: &Tab, running: &RunningStack, story: &mut Story) -> Result<(), String> {
    let cookie = tab.driver.get_named_cookie("__Host-session").await;
    let cookie = cookie.map_err(|error| crate::browser::first_line(&error))?;
    let door = running.entrance().await?;
    let ended = door.send("browser.session_over", Method::DELETE, "/api/v1/sessions/current", |request| {
        request.bearer_auth(&cookie.value)
    });
    let ended = ended.await;
    if ended.status() != Some(204) {
        return Err(format!("ending the browser's session: {} answered {}", ended.request, ended.outcome()));
    }
    tab.go("/gallery").await?;
    let met = tab.shows("the log-in page", AT_LOG_IN).await;
    let notice = tab.ask(NOTICE).await?.as_str().unwrap_or_default().to_owned();
    let told = met.as_ref().map_or_else(Clone::clone, |_| format!("the log-in page says `{notice}`"));
    story.fact("session_over", met.is_ok() && !notice.is_empty(), told);
    Ok(())
}

async fn logs_out(tab: &Tab, story: &mut Story) -> Result<(), String> {
    tab.credentials("/log-in", "#log-in-form").await?;
    tab.shows("a portrait in the gallery", &format!("return (() => {{ {CARDS} }})().length > 0")).await?;
    tab.press("#log-out-form button").await?;
    tab.shows("a page for anybody", "return !document.querySelector('#log-out-form')").await?;
    tab.driver.back().await.map_err(|error| crate::browser::first_line(&error))?;
    let met = tab.shows("the log-in page", AT_LOG_IN).await;
    let told = format!("returned here {}", tab.path().await?);
    let cards = tab.ask(CARDS).await?.as_array().map_or(0, Vec::len);
    story.fact("log_out", met.is_ok() && cards == 0, format!("{told}, with {cards} portraits"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn time_left_is_read_as_a_clock() {
        assert_eq!(seconds(&json!("59:58")), Some(3598));
        assert_eq!(seconds(&json!("1:00:01")), Some(3601));
        assert_eq!(seconds(&json!("soon")), None);
    }
}
