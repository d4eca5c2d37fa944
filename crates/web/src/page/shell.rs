//! What every page has around it.

/// Who is looking, and what the page has to tell them first.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// Shows the ways to gallery, account and out, instead of those to log in and to sign up.
    pub signed_in: bool,
    /// The token of every form on this page, the one to log out among them. Empty where a page has no form.
    pub csrf: String,
    /// Something to know that is no error, in whole sentences: "Your session is over. Please log in again."
    pub notice: Option<String>,
}
