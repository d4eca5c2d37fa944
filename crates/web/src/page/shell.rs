//! What every page has around it.

/// Who is looking, and what the page has to tell them first.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// Of the person signed in; `None` shows the ways to log in and to sign up instead of the way out.
    pub email: Option<String>,
    /// The token of every form on this page, the one to log out among them. Empty where a page has no form.
    pub csrf: String,
    /// Something to know that is no error, in whole sentences: "Your session is over. Please log in again."
    pub notice: Option<String>,
}
