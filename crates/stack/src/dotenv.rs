//! `.env` beside the Compose file: `NAME=value` lines with quotes, comments, `export`, and variables in values.

use std::collections::BTreeMap;

use crate::interpolate;

/// A line that is not understood. Never holds a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// Parses the file. Values see `environment` first, then the variables above them.
pub(crate) fn parse(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, Wrong> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut variables = BTreeMap::new();
    let mut rest = text.as_str();
    let mut line = 1;
    while !rest.is_empty() {
        let (first, _) = rest.split_once('\n').unwrap_or((rest, ""));
        let statement = first.trim_start();
        let statement = statement.strip_prefix("export ").map_or(statement, str::trim_start);
        let mut consumed = first.len();
        if !statement.is_empty() && !statement.starts_with('#') {
            let end = statement.find(['=', ':']).unwrap_or(statement.len());
            let name = statement[..end].trim_end();
            if !is_name(name) {
                let message = "expected `NAME=value`, with a name of letters, digits and `_`".to_owned();
                return Err(Wrong { line, message });
            }
            // A name alone takes its value from the environment, where it would be found anyway.
            if end < statement.len() {
                let offset = rest.len() - rest.trim_start_matches([' ', '\t']).len();
                let start = offset + (first.trim_start().len() - statement.len()) + end + 1;
                let lookup = |name: &str| environment(name).or_else(|| variables.get(name).cloned());
                let (value, length) = value(&rest[start..], &lookup).map_err(|message| Wrong {
                    line,
                    message: format!("the value of {name} is not understood: {message}"),
                })?;
                consumed = start + length;
                variables.insert(name.to_owned(), value);
            }
        }
        line += rest[..consumed].matches('\n').count() + 1;
        rest = rest.get(consumed + 1..).unwrap_or("");
    }
    Ok(variables)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// The value at the start of the text, and the bytes up to the end of its (last) line.
fn value(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<(String, usize), String> {
    let lead = text.len() - text.trim_start_matches([' ', '\t']).len();
    let body = &text[lead..];
    let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |index| from + index);
    let Some(quote) = body.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = line_end(lead);
        let line = &text[lead..end];
        let line =
            if line.starts_with('#') { "" } else { line.split_once(" #").map_or(line, |(value, _)| value) };
        return Ok((interpolate::text(line.trim_end(), lookup)?, end));
    };
    let close = closing_quote(&body[1..], quote).ok_or("a quote is not closed")?;
    let inside = &body[1..=close];
    let after = lead + close + 2;
    let end = line_end(after);
    let trailing = text[after..end].trim();
    if !(trailing.is_empty() || trailing.starts_with('#')) {
        return Err("something follows the closing quote".to_owned());
    }
    let value = if quote == '"' { interpolate::text(&unescaped(inside), lookup)? } else { inside.to_owned() };
    Ok((value, end))
}

fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        if character == quote && !escaped {
            return Some(index);
        }
        escaped = character == '\\' && !escaped;
    }
    None
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some('$') => plain.push_str("$$"),
            Some(quoted @ ('"' | '\\' | '\'')) => plain.push(quoted),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn environment(name: &str) -> Option<String> {
        (name == "HOST").then(|| "from the shell".to_owned())
    }

    #[rstest]
    #[case::plain("A=b", "b")]
    #[case::spaces("  A = b c  ", "b c")]
    #[case::export("export A=b", "b")]
    #[case::colon("A: b", "b")]
    #[case::empty("A=", "")]
    #[case::comment("A=b # why", "b")]
    #[case::hash_in_value("A=b#c", "b#c")]
    #[case::single_quotes("A='b $HOST \\n'", "b $HOST \\n")]
    #[case::double_quotes("A=\"b\\n$HOST\" # why", "b\nfrom the shell")]
    #[case::dollar_kept("A=\"\\$HOST\"", "$HOST")]
    #[case::over_lines("A=\"b\nc\"\nB=d", "b\nc")]
    #[case::earlier_variable("B=1\nA=${B}2", "12")]
    #[case::default("A=${NONE:-d}", "d")]
    #[case::windows_lines("# x\r\nA=b\r\n", "b")]
    #[case::last_wins("A=1\nA=2", "2")]
    fn a_line_gives_a_value(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(parse(text, &environment).unwrap()["A"], expected);
    }

    #[test]
    fn a_wrong_line_is_told_by_number_and_name_and_never_by_value() {
        let wrong = parse("A=b\n\nB=\"hunter2\nC=d\n", &environment).unwrap_err();
        assert_eq!(wrong.line, 3);
        assert!(wrong.message.contains('B') && !wrong.message.contains("hunter2"), "{}", wrong.message);
        let wrong = parse("A='x\ny'\nno name here\n", &environment).unwrap_err();
        assert_eq!(wrong.line, 3);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "([A-Z]{1,2}|[ =:#'\"\\\\$\n\t{}ä]){0,60}") {
            let _ = parse(&text, &environment);
        }
    }
}
