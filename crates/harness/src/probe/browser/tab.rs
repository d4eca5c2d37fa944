//! A person in front of a page: fills in forms, presses buttons, waits until something shows.

use std::{path::Path, time::Duration};

use serde_json::Value;
use thirtyfour::{By, WebDriver, error::WebDriverResult};

use crate::{
    browser::first_line,
    poll::{self, Attempt},
};

/// What a person waits for shows within this, or something is wrong. Pictures take seconds on a busy machine.
const SHOWS_WITHIN: Duration = Duration::from_secs(30);

/// A page in a browser, and who sits before it.
pub(crate) struct Tab {
    pub(crate) driver: WebDriver,
    pub(crate) origin: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

impl Tab {
    /// Goes to a path of the stack.
    pub(crate) async fn go(&self, path: &str) -> Result<(), String> {
        let gone = self.driver.goto(format!("{}{path}", self.origin)).await;
        gone.map_err(|error| format!("going to {path}: {}", first_line(&error)))
    }

    /// The path of the page that shows.
    pub(crate) async fn path(&self) -> Result<String, String> {
        let url = self.driver.current_url().await.map_err(|error| first_line(&error))?;
        Ok(url.path().to_owned())
    }

    /// What a script finds on the page. Works where pages may run none, too.
    pub(crate) async fn ask(&self, script: &str) -> Result<Value, String> {
        let answer = self.driver.execute(script, vec![]).await.map_err(|error| first_line(&error))?;
        Ok(answer.json().clone())
    }

    /// The same for a script that calls its last argument when it is done.
    pub(crate) async fn ask_and_wait(&self, script: &str) -> Result<Value, String> {
        let answer = self.driver.execute_async(script, vec![]).await.map_err(|error| first_line(&error))?;
        Ok(answer.json().clone())
    }

    /// Types into a field of a form.
    pub(crate) async fn fill(&self, form: &str, field: &str, text: &str) -> Result<(), String> {
        let typed = async {
            let field = self.driver.find(By::Css(format!("{form} [name={field}]"))).await?;
            field.clear().await?;
            field.send_keys(text).await
        };
        typed.await.map_err(|error| format!("typing into {field} of {form}: {}", first_line(&error)))
    }

    /// Chooses a file for a form.
    pub(crate) async fn choose(&self, form: &str, file: &Path) -> Result<(), String> {
        let chosen = async {
            let field = self.driver.find(By::Css(format!("{form} input[type=file]"))).await?;
            field.send_keys(file.display().to_string()).await
        };
        chosen.await.map_err(|error| format!("choosing a file in {form}: {}", first_line(&error)))
    }

    /// Presses the button at a CSS selector.
    pub(crate) async fn press(&self, button: &str) -> Result<(), String> {
        let pressed: WebDriverResult<()> =
            async { self.driver.find(By::Css(button)).await?.click().await }.await;
        pressed.map_err(|error| format!("pressing {button}: {}", first_line(&error)))
    }

    /// Fills in e-mail address and password and sends the form.
    pub(crate) async fn credentials(&self, path: &str, form: &str) -> Result<(), String> {
        self.go(path).await?;
        self.fill(form, "email", &self.email).await?;
        self.fill(form, "password", &self.password).await?;
        self.press(&format!("{form} button")).await
    }

    /// Waits until a script finds something true, and returns it; the error says on which page nothing was.
    pub(crate) async fn shows(&self, what: &str, script: &str) -> Result<Value, String> {
        let shown = poll::until(SHOWS_WITHIN, || async {
            match self.ask(script).await {
                Ok(Value::Null | Value::Bool(false)) => {
                    let page = self.page().await;
                    match self.ask("return location.protocol").await {
                        Ok(protocol) if protocol == "chrome-error:" => {
                            Attempt::Never(format!("the browser's own page says: {page}"))
                        }
                        _ => Attempt::NotYet(format!("{page} without {what}")),
                    }
                }
                Ok(found) => Attempt::Ready(found),
                // A page that is just being left answers nothing.
                Err(why) => Attempt::NotYet(why),
            }
        });
        shown.await.map_err(|not| format!("{what}: {not}"))
    }

    /// The page that shows, in words: its path, main heading, and what it says went wrong.
    async fn page(&self) -> String {
        const TOLD: &str = "const text = (selector) => document.querySelector(selector)?.textContent.trim(); \
                            return [location.pathname, text('h1'), text('#error'), text('#notice')] \
                            .filter(Boolean).join(', ')";
        self.ask(TOLD).await.ok().and_then(|told| told.as_str().map(str::to_owned)).unwrap_or_default()
    }
}
