//! Commands in one string: split like a shell would, but never handed to one.

use crate::{
    reading::Reading,
    yaml::{Node, Value},
};

/// `command: a "b c"` to `["a", "b c"]`.
pub(crate) fn split(reading: &mut Reading<'_>, node: &mut Node) {
    let Some(text) = node.as_text() else { return };
    match words(text) {
        Ok(words) => node.value = Value::Sequence(words.into_iter().map(|word| node.part(word)).collect()),
        Err(message) => reading.problem(node.place, message),
    }
}

/// `test: command` to `["CMD-SHELL", "command"]`.
pub(crate) fn health(node: &mut Node) {
    if let Some(text) = node.as_text() {
        node.value = Value::Sequence(vec![node.part("CMD-SHELL"), node.part(text)]);
    }
}

/// Words parted by blanks; quotes and backslashes keep blanks inside.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            blank if blank.is_whitespace() => words.extend(word.take()),
            '\\' => match characters.next() {
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err("the command ends in a lone `\\`".to_owned()),
            },
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some(next) if next == character => break,
                        Some('\\') if character == '"' => match characters.next() {
                            Some(next) => word.push(next),
                            None => return Err("the command has a quote that is not closed".to_owned()),
                        },
                        Some(next) => word.push(next),
                        None => return Err("the command has a quote that is not closed".to_owned()),
                    }
                }
            }
            '|' | '&' | ';' | '<' | '>' => {
                return Err(format!(
                    "the command has a `{character}`, but no shell runs it (Compose drops the rest in silence); quote \
                     it, or write a list such as [sh, -c, …]"
                ));
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::blanks("  a  b\tc ", &["a", "b", "c"])]
    #[case::quotes("sh -c \"echo 'hi'\" 'x y'", &["sh", "-c", "echo 'hi'", "x y"])]
    #[case::backslash("a\\ b", &["a b"])]
    #[case::empty_word("a ''", &["a", ""])]
    #[case::nothing("", &[])]
    #[case::quoted_operators("sh -c 'a | b'", &["sh", "-c", "a | b"])]
    fn a_command_is_split(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(words(text).unwrap(), expected);
    }

    #[rstest]
    #[case::pipe("a | b", "no shell")]
    #[case::open("a 'b", "not closed")]
    #[case::backslash("a \\", "lone")]
    fn a_command_that_needs_a_shell_is_refused(#[case] text: &str, #[case] part: &str) {
        assert!(words(text).unwrap_err().contains(part));
    }
}
