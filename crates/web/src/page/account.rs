//! Signing up, logging in, and what an account can do with itself.

use askama::Template;
use time::OffsetDateTime;

use super::Shell;
use super::form::{self, FormError};

/// `/sign-up`. Fields: `csrf`, `email`, `password`.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_up.html")]
pub struct SignUp {
    /// Around it.
    pub shell: Shell,
    /// As it was typed before; empty at first.
    pub email: String,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

/// `/log-in`. Fields: `csrf`, `next`, `email`, `password`.
#[derive(Debug, Clone, Template)]
#[template(path = "log_in.html")]
pub struct LogIn {
    /// Around it.
    pub shell: Shell,
    /// As it was typed before; empty at first.
    pub email: String,
    /// The path of ours to go to afterwards; checked by the server.
    pub next: Option<String>,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

/// `/account`. The password form's fields: `csrf`, `current_password`, `new_password`.
#[derive(Debug, Clone, Template)]
#[template(path = "account.html")]
pub struct Account {
    /// Around it.
    pub shell: Shell,
    /// Of the account.
    pub email: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Why the password form is shown again.
    pub error: Option<FormError>,
}

impl SignUp {
    fn wrong(&self, field: &str) -> Option<&str> {
        form::wrong(self.error.as_ref(), field)
    }
}

impl LogIn {
    fn wrong(&self, field: &str) -> Option<&str> {
        form::wrong(self.error.as_ref(), field)
    }
}

impl Account {
    fn wrong(&self, field: &str) -> Option<&str> {
        form::wrong(self.error.as_ref(), field)
    }

    /// Such as "21 November 2026".
    fn signed_up(&self) -> String {
        let date = self.created_at.date();
        format!("{} {} {}", date.day(), date.month(), date.year())
    }
}
