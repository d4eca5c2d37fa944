//! Whatever stands in a file, the reader answers with a stack or with problems that have their place.
#![allow(clippy::unwrap_used, reason = "a test that fails by unwrap says where")]

use std::{fs, path::Path, sync::LazyLock};

use proptest::{collection::vec, prelude::*};
use stack::{ReadError, Stack};

/// The repository's own definition.
static DEFINITION: LazyLock<String> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("compose/compose.yaml");
    fs::read_to_string(file).unwrap()
});

/// Reads files of these texts, the first as base.
fn read(texts: &[&[u8]]) -> Result<Stack, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..texts.len()).map(|index| folder.path().join(format!("{index}.yaml"))).collect();
    for (file, text) in files.iter().zip(texts) {
        fs::write(file, text).unwrap();
    }
    stack::read(&files, &|name| (name == "SET").then(|| "value".to_owned()), &[])
}

/// The JSON without the folder, which differs from run to run.
fn shown(stack: &Stack) -> String {
    let text = stack.to_json().to_string();
    let folder = stack.secrets.values().find_map(|secret| match &secret.source {
        stack::SecretSource::File(path) => path.parent()?.parent(),
        stack::SecretSource::Environment(_) => None,
    });
    text.replace(&folder.unwrap().display().to_string(), "")
}

/// An answer is a sound stack, or problems that can be shown.
fn is_an_answer(answer: Result<Stack, ReadError>) {
    match answer {
        Ok(stack) => {
            let levels: usize = stack.start_order().iter().map(Vec::len).sum();
            assert_eq!(levels, stack.services.len());
        }
        Err(error) => {
            assert!(!error.problems().is_empty());
            assert!(!error.excerpts().contains("fault of Shakedown"), "{error}");
        }
    }
}

/// One change to a text.
#[derive(Clone, Debug)]
enum Mutation {
    Remove(usize, usize),
    Insert(usize, String),
    RepeatLine(usize),
    RemoveLine(usize),
    Indent(usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let pieces = [
        ":",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "*service",
        "<<: ",
        "!reset ",
        "!override ",
        "${",
        "}",
        "$",
        "\"",
        "'",
        "#",
        "\n",
        "\t",
        "\r\n",
        "|",
        ">",
        "null",
        "0",
        "-1",
        "true",
        "---\n",
        "? ",
        "%",
        "\0",
        "ä",
        "~",
        "depends_on",
    ];
    let piece = (0..pieces.len()).prop_map(move |index| pieces[index].to_owned());
    prop_oneof![
        (any::<usize>(), 1..8_usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (any::<usize>(), piece).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        any::<usize>().prop_map(Mutation::RepeatLine),
        any::<usize>().prop_map(Mutation::RemoveLine),
        (any::<usize>(), 0..9_usize).prop_map(|(at, by)| Mutation::Indent(at, by)),
    ]
}

fn mutated(text: &str, mutations: &[Mutation]) -> String {
    let mut text = text.to_owned();
    for mutation in mutations {
        let mut characters: Vec<char> = text.chars().collect();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let (count, rows) = (characters.len().max(1), lines.len().max(1));
        text = match mutation {
            Mutation::Remove(at, length) => {
                let start = (at % count).min(characters.len());
                let end = (start + length).min(characters.len());
                characters.drain(start..end);
                characters.into_iter().collect()
            }
            Mutation::Insert(at, piece) => {
                let at = (at % count).min(characters.len());
                characters.splice(at..at, piece.chars());
                characters.into_iter().collect()
            }
            _ if lines.is_empty() => text,
            Mutation::RepeatLine(at) => {
                lines.insert(at % rows, lines[at % rows].clone());
                lines.join("\n")
            }
            Mutation::RemoveLine(at) => {
                lines.remove(at % rows);
                lines.join("\n")
            }
            Mutation::Indent(at, by) => {
                let line = lines[at % rows].trim_start().to_owned();
                lines[at % rows] = " ".repeat(*by) + &line;
                lines.join("\n")
            }
        };
    }
    text
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer(bytes in vec(any::<u8>(), 0..200)) {
        is_an_answer(read(&[&bytes]));
    }

    #[test]
    fn any_text_gets_an_answer(text in "\\PC{0,200}") {
        is_an_answer(read(&[text.as_bytes()]));
    }

    #[test]
    fn any_yaml_like_text_gets_an_answer(
        text in r#"(services|api|image|x|<<|ports|volumes|[:\-{}\[\],&*!|>#'"\n $]| {2}|: |- |\n {2}){0,80}"#
    ) {
        is_an_answer(read(&[text.as_bytes()]));
    }

    #[test]
    fn a_mutated_definition_gets_an_answer(mutations in vec(mutation(), 1..6)) {
        is_an_answer(read(&[mutated(&DEFINITION, &mutations).as_bytes()]));
    }

    #[test]
    fn a_mutated_overlay_gets_an_answer(mutations in vec(mutation(), 1..6)) {
        is_an_answer(read(&[DEFINITION.as_bytes(), mutated(&DEFINITION, &mutations).as_bytes()]));
    }
}

#[test]
fn an_overlay_that_says_nothing_changes_nothing() {
    let alone = shown(&read(&[DEFINITION.as_bytes()]).unwrap());
    for nothing in [
        "{}\n",
        "services:\n",
        "services: {}\n",
        "services: {api: }\n",
        "services: {api: {environment: {}}}\n",
    ] {
        let stack = read(&[DEFINITION.as_bytes(), nothing.as_bytes()]).unwrap();
        assert_eq!(shown(&stack), alone, "with {nothing:?}");
    }
}

#[test]
fn a_file_over_itself_changes_nothing() {
    let alone = shown(&read(&[DEFINITION.as_bytes()]).unwrap());
    let twice = read(&[DEFINITION.as_bytes(), DEFINITION.as_bytes()]).unwrap();
    assert_eq!(shown(&twice).replace("/1.yaml", "/0.yaml"), alone);
}

#[test]
fn the_end_of_a_line_does_not_matter() {
    let windows = DEFINITION.replace('\n', "\r\n");
    let marked = format!("\u{feff}{}", *DEFINITION);
    let alone = shown(&read(&[DEFINITION.as_bytes()]).unwrap());
    assert_eq!(shown(&read(&[windows.as_bytes()]).unwrap()), alone);
    assert_eq!(shown(&read(&[marked.as_bytes()]).unwrap()), alone);
}
