//! Volumes and bind mounts: `SOURCE:TARGET[:MODE]` to the long spelling.

use super::long as mapping;
use crate::yaml::{Entry, Node, Scalar, ScalarKind, Value};

/// Rewrites one mount. A mode that is not known goes into a key of that name, which the typed stage refuses.
pub(crate) fn long(node: &mut Node) {
    let Some(text) = node.as_text() else { return };
    let mut parts = text.splitn(3, ':');
    let (first, target, mode) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let (source, target) = match target {
        Some(target) => (Some(first), target),
        None => (None, first),
    };
    let bind = source.is_some_and(|source| source.starts_with(['.', '/', '~']));
    let kind = if bind { "bind" } else { "volume" };
    let mut mount = mapping(node.place, [("type", node.part(kind)), ("target", node.part(target))]);
    if let Some(entries) = mount.as_mapping_mut() {
        let mut set =
            |key: &str, value: Node| entries.insert(key.to_owned(), Entry { key: node.place, node: value });
        if let Some(source) = source {
            set("source", node.part(source));
        }
        for option in mode.into_iter().flat_map(|mode| mode.split(',')) {
            match option {
                "ro" | "rw" => {
                    let text = (option == "ro").to_string();
                    let scalar = Scalar { kind: ScalarKind::Boolean, ..Scalar::text(text) };
                    set("read_only", Node::new(node.place, Value::Scalar(scalar)));
                }
                other => {
                    set("mode", node.part(other));
                }
            }
        }
    }
    node.value = mount.value;
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::source::Place;

    #[rstest]
    #[case::volume("data:/var", [Some("volume"), Some("data"), Some("/var"), None])]
    #[case::bind("./f:/etc/f:ro", [Some("bind"), Some("./f"), Some("/etc/f"), Some("true")])]
    #[case::home("~/f:/f:rw", [Some("bind"), Some("~/f"), Some("/f"), Some("false")])]
    #[case::anonymous("/var", [Some("volume"), None, Some("/var"), None])]
    fn a_mount_is_taken_apart(#[case] text: &str, #[case] expected: [Option<&str>; 4]) {
        let mut node = Node::text(Place { file: 0, line: 1, column: 1, width: 1 }, text);
        long(&mut node);
        let found =
            ["type", "source", "target", "read_only"].map(|key| node.get(key).and_then(Node::as_text));
        assert_eq!(found, expected);
    }
}
