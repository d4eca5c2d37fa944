//! Variables in scalar values: `$VAR`, `${VAR}`, `${VAR:-default}` and the rest of Compose's forms, nested, and `$$`.

use crate::{
    reading::Reading,
    source::Place,
    yaml::{Node, Scalar, ScalarKind, Value},
};

/// Deeper than anybody nests defaults in defaults.
const DEEPEST: usize = 16;
/// Nested defaults cannot make a value grow beyond this, in bytes.
const LONGEST: usize = 1024 * 1024;

/// Interpolates every scalar of a tree. Keys stay as they are, as in Compose.
pub(crate) fn tree(reading: &mut Reading<'_>, node: &mut Node) {
    let place = node.place;
    match &mut node.value {
        Value::Scalar(scalar) => self::scalar(reading, place, scalar),
        Value::Sequence(items) => items.iter_mut().for_each(|item| tree(reading, item)),
        Value::Mapping(entries) => entries.values_mut().for_each(|entry| tree(reading, &mut entry.node)),
    }
}

fn scalar(reading: &mut Reading<'_>, place: Place, scalar: &mut Scalar) {
    if scalar.kind != ScalarKind::Text || !scalar.text.contains('$') {
        return;
    }
    let lookup = |name: &str| reading.variable(name);
    let mut expansion = Expansion { lookup: &lookup, used: Vec::new(), unset: Vec::new() };
    let outcome = expansion.expand(&scalar.text, 0);
    let Expansion { used, unset, .. } = expansion;
    match outcome {
        Ok(text) => {
            scalar.text = text;
            scalar.variables = used;
            for name in unset {
                let message = format!("variable {name} is not set; an empty text stands in for it");
                let place = reading.sources.narrow(place, &format!("${{{name}"));
                reading.warn(place, &name, message);
            }
        }
        Err(Wrong { fragment, message }) => {
            let place = reading.sources.narrow(place, &fragment);
            reading.problem(place, message);
        }
    }
}

/// Interpolates text that stands in no Compose file (a line of `.env`).
pub(crate) fn text(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut expansion = Expansion { lookup, used: Vec::new(), unset: Vec::new() };
    expansion.expand(text, 0).map_err(|wrong| wrong.message)
}

/// What is wrong, and the piece of the text that is.
struct Wrong {
    fragment: String,
    message: String,
}

struct Expansion<'l> {
    lookup: &'l dyn Fn(&str) -> Option<String>,
    /// Variables whose values went in.
    used: Vec<String>,
    /// Variables that were not set and had no default.
    unset: Vec<String>,
}

impl Expansion<'_> {
    fn expand(&mut self, text: &str, depth: usize) -> Result<String, Wrong> {
        if depth > DEEPEST {
            let message = format!("variables are nested more than {DEEPEST} deep");
            return Err(Wrong { fragment: text.to_owned(), message });
        }
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            expanded.push_str(&rest[..dollar]);
            let after = &rest[dollar + 1..];
            rest = if let Some(after) = after.strip_prefix('$') {
                expanded.push('$');
                after
            } else if let Some(braced) = after.strip_prefix('{') {
                let Some(end) = closing_brace(braced) else {
                    return Err(Wrong {
                        fragment: rest[dollar..].to_owned(),
                        message: "`${` has no closing `}`; write `$$` for a dollar sign".to_owned(),
                    });
                };
                let value = self.braced(&braced[..end], depth)?;
                expanded.push_str(&value);
                &braced[end + 1..]
            } else {
                let name = leading_name(after);
                if name.is_empty() {
                    return Err(Wrong {
                        fragment: rest[dollar..].chars().take(2).collect(),
                        message: "`$` is not followed by a variable's name; write `$$` for a dollar sign"
                            .to_owned(),
                    });
                }
                let value = self.plain(name);
                expanded.push_str(&value);
                &after[name.len()..]
            };
            if expanded.len() > LONGEST {
                let message = "the value is longer than 1 MiB once its variables are replaced".to_owned();
                return Err(Wrong { fragment: text.to_owned(), message });
            }
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    fn plain(&mut self, name: &str) -> String {
        if let Some(value) = self.value(name) {
            value
        } else {
            self.unset.push(name.to_owned());
            String::new()
        }
    }

    fn value(&mut self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?;
        if !self.used.iter().any(|used| used == name) {
            self.used.push(name.to_owned());
        }
        Some(value)
    }

    /// What stands between `${` and `}`.
    fn braced(&mut self, inside: &str, depth: usize) -> Result<String, Wrong> {
        let fragment = format!("${{{inside}}}");
        let name = leading_name(inside);
        if name.is_empty() {
            let message = format!("`{fragment}` has no variable's name; expected `${{NAME}}`");
            return Err(Wrong { fragment, message });
        }
        let form = &inside[name.len()..];
        if form.is_empty() {
            return Ok(self.plain(name));
        }
        let (empty_counts_as_unset, operator) = match form.strip_prefix(':') {
            Some(operator) => (true, operator),
            None => (false, form),
        };
        let mut characters = operator.chars();
        let operator = characters.next();
        let word = characters.as_str();
        if !matches!(operator, Some('-' | '?' | '+')) {
            let message = format!(
                "`{fragment}` is not a form of variable; expected `${{{name}}}`, or `-`, `?` or `+` (each also after \
                 `:`) behind the name"
            );
            return Err(Wrong { fragment, message });
        }
        let set = (self.lookup)(name).is_some_and(|value| !(empty_counts_as_unset && value.is_empty()));
        match operator {
            Some('+') if set => self.expand(word, depth + 1),
            Some('+') => Ok(String::new()),
            _ if set => Ok(self.value(name).unwrap_or_default()),
            Some('-') => self.expand(word, depth + 1),
            _ => {
                let reason = self.expand(word, depth + 1)?;
                let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                let state = if (self.lookup)(name).is_some() { "empty" } else { "not set" };
                let message = format!(
                    "required variable {name} is {state}{reason}; set it in the environment or in `.env`"
                );
                Err(Wrong { fragment, message })
            }
        }
    }
}

/// The variable's name that a text begins with; may be empty.
fn leading_name(text: &str) -> &str {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    if starts { &text[..end] } else { "" }
}

/// Where the brace closes that was opened before the text; braces inside come in pairs.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 1_usize;
    for (index, character) in text.char_indices() {
        match character {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(index);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "SET" => Some("value".to_owned()),
            "OTHER" => Some("other".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[rstest]
    #[case::bare("a $SET b", "a value b")]
    #[case::braces("${SET}s", "values")]
    #[case::unset_is_empty("<${UNSET}>", "<>")]
    #[case::default_when_unset("${UNSET-d}", "d")]
    #[case::default_when_empty("${EMPTY:-d}", "d")]
    #[case::empty_is_set_without_colon("<${EMPTY-d}>", "<>")]
    #[case::default_unused("${SET:-d}", "value")]
    #[case::required_and_set("${SET:?needed}", "value")]
    #[case::required_may_be_empty("<${EMPTY?needed}>", "<>")]
    #[case::replaced_when_set("${SET:+r}", "r")]
    #[case::not_replaced_when_empty("<${EMPTY:+r}>", "<>")]
    #[case::replaced_though_empty("${EMPTY+r}", "r")]
    #[case::nested("${UNSET:-${EMPTY:-${OTHER}}}", "other")]
    #[case::nested_with_text("${UNSET:-a-${SET}-b}", "a-value-b")]
    #[case::dollar("$$SET and $$", "$SET and $")]
    #[case::dollar_in_default("${UNSET:-a$$b}", "a$b")]
    #[case::braces_in_default("${UNSET:-{\"a\": {}}}", "{\"a\": {}}")]
    #[case::colon_in_default("${UNSET:-http://h:1}", "http://h:1")]
    #[case::default_may_be_empty("<${UNSET:-}>", "<>")]
    fn a_form_expands(#[case] template: &str, #[case] expected: &str) {
        assert_eq!(text(template, &lookup).as_deref(), Ok(expected));
    }

    #[rstest]
    #[case::open("${SET", "closing")]
    #[case::no_name("${}", "no variable's name")]
    #[case::digit("${1A}", "no variable's name")]
    #[case::lonely_dollar("5 $ off", "write `$$`")]
    #[case::dollar_at_end("cost$", "write `$$`")]
    #[case::unknown_form("${SET/a/b}", "not a form")]
    #[case::colon_alone("${SET:}", "not a form")]
    #[case::required("${UNSET:?run make init}", "required variable UNSET is not set: run make init")]
    #[case::required_not_empty("${EMPTY:?}", "required variable EMPTY is empty;")]
    fn a_wrong_form_is_named(#[case] template: &str, #[case] part: &str) {
        let message = text(template, &lookup).unwrap_err();
        assert!(message.contains(part), "{message}");
    }

    proptest! {
        #[test]
        fn interpolation_never_panics(template in r"([$]|[$][{]|[}]|:|-|\+|\?|SET|UNSET|[a-z ä$]){0,40}") {
            let _ = text(&template, &lookup);
        }

        #[test]
        fn text_without_dollars_is_left_alone(template in "[^$]*") {
            prop_assert_eq!(text(&template, &lookup), Ok(template));
        }
    }
}
