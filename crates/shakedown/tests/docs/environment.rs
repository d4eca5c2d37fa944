//! .env.example has the variables of the definition, with their defaults.

use std::collections::BTreeMap;

use crate::{none, read};

/// Names with their defaults, from every `${NAME:-default}` of the definition but the container images'.
fn interpolated() -> BTreeMap<String, String> {
    let definition = read("compose/compose.yaml");
    let lines = definition.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut found = BTreeMap::new();
    for inside in lines.flat_map(|line| line.split("${").skip(1)) {
        let inside = inside.split('}').next().unwrap();
        let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
        if name.ends_with("_IMAGE") {
            continue;
        }
        let before = found.insert(name.to_owned(), default.to_owned());
        assert!(
            before.as_deref().is_none_or(|before| before == default),
            "compose/compose.yaml has two defaults for {name}; make them one"
        );
    }
    found
}

#[test]
fn the_example_of_an_environment_is_that_of_the_definition() {
    let expected = interpolated();
    let example = read(".env.example");
    let lines: Vec<&str> = example.lines().collect();
    let mut told = BTreeMap::new();
    let mut complaints = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        // `# text` explains, `#NAME=default` is a variable that may be set.
        let Some((name, default)) = line
            .strip_prefix('#')
            .filter(|line| !line.starts_with(' '))
            .and_then(|line| line.split_once('='))
        else {
            continue;
        };
        let explained = index > 0 && lines[index - 1].starts_with("# ");
        if !explained {
            complaints.push(format!(".env.example: {name} has no line above it that says what it is"));
        }
        match expected.get(name) {
            None => complaints.push(format!(".env.example: compose.yaml does not use {name}; take it out")),
            Some(used) if used != default => complaints.push(format!(
                ".env.example: {name} is `{default}` here and `{used}` in compose.yaml; make them one"
            )),
            Some(_) => {}
        }
        told.insert(name, default);
    }
    let missing = expected.keys().filter(|name| !told.contains_key(name.as_str()));
    complaints.extend(missing.map(|name| format!(".env.example: {name} of compose.yaml is missing; add it")));
    none(&complaints);
}
