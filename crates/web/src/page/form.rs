//! What is wrong with a form that was sent, for showing it again.

/// Why a form was refused.
#[derive(Debug, Clone, Default)]
pub struct FormError {
    /// In whole sentences, above the form.
    pub summary: String,
    /// What is wrong with which field; each is shown beside its field.
    pub fields: Vec<FieldError>,
}

/// What is wrong with one field.
#[derive(Debug, Clone)]
pub struct FieldError {
    /// Its name in the form: `email`, `password`, `current_password`, `new_password`, `image`, `effect`,
    /// `ttl_seconds`.
    pub field: String,
    /// As the api says it, to be read after the field's name: "must have 8 to 128 characters".
    pub detail: String,
}

impl FormError {
    /// An error that is no single field's.
    pub fn new(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), fields: Vec::new() }
    }
}

/// What is wrong with this field, if anything; without the full stop.
pub(super) fn wrong<'a>(error: Option<&'a FormError>, field: &str) -> Option<&'a str> {
    let wrong = error?.fields.iter().find(|error| error.field == field)?;
    Some(wrong.detail.trim_end_matches('.'))
}
