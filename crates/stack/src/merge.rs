//! Files merged one over the other, by Compose's rules: mappings by key, lists appended, commands replaced.

use indexmap::IndexMap;

use crate::{
    reading::Reading,
    yaml::{Node, Tag, Value},
};

/// The first file: there is nothing below it, but `!reset` takes its keys out, and of double entries the last stays.
pub(crate) fn base(mut file: Node) -> Node {
    tidy(&mut file, &mut Vec::new());
    file
}

/// Merges a file over what the files before it gave.
pub(crate) fn over(reading: &mut Reading<'_>, below: Node, file: Node) -> Node {
    let mut whole = merge(reading, below, file, &mut Vec::new());
    tidy(&mut whole, &mut Vec::new());
    whole
}

fn merge(reading: &mut Reading<'_>, mut below: Node, above: Node, path: &mut Vec<String>) -> Node {
    if above.tag == Tag::Override || is_replaced(path) {
        return above;
    }
    if above.is_null() {
        // Says nothing, as in Compose; `!reset` is the way to take something away.
        return below;
    }
    if below.is_null() {
        return above;
    }
    let (found_below, line, found_above) = (below.found(), below.place.line, above.found());
    match (&mut below.value, above.value) {
        (Value::Mapping(entries), Value::Mapping(more)) => {
            for (key, entry) in more {
                if entry.node.tag == Tag::Reset {
                    entries.shift_remove(&key);
                    continue;
                }
                let merged = match entries.get_mut(&key) {
                    None => entry,
                    Some(under) => {
                        path.push(key.clone());
                        let mut merged = under.clone();
                        merged.node = merge(reading, merged.node, entry.node, path);
                        path.pop();
                        merged
                    }
                };
                entries.insert(key, merged);
            }
        }
        (Value::Sequence(items), Value::Sequence(more)) => items.extend(more),
        (Value::Scalar(_), Value::Scalar(scalar)) => {
            return Node { place: above.place, value: Value::Scalar(scalar), tag: Tag::None };
        }
        _ => {
            let path = path.join(".");
            let message = format!(
                "`{path}` is {found_above} here and {found_below} on line {line} of a file before it; spell both \
                 alike, or write `!override` to replace it"
            );
            reading.problem(above.place, message);
        }
    }
    below
}

/// Whether a value takes the place of the one below without being merged with it.
fn is_replaced(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["services", _, "command" | "entrypoint"]
        | ["services", _, "healthcheck", "test"]
        | ["services", _, "environment" | "labels" | "extra_hosts", _] => true,
        // Anchors are kept there; they were expanded before.
        [.., last] => last.starts_with("x-") && *last != "x-shakedown",
        [] => false,
    }
}

/// Takes out what `!reset` marks, and makes double entries of keyed lists one: the last, in the place of the first.
fn tidy(node: &mut Node, path: &mut Vec<String>) {
    match &mut node.value {
        Value::Scalar(_) => {}
        Value::Mapping(entries) => {
            entries.retain(|_, entry| entry.node.tag != Tag::Reset);
            for (key, entry) in entries.iter_mut() {
                path.push(key.clone());
                tidy(&mut entry.node, path);
                path.pop();
            }
        }
        Value::Sequence(items) => {
            items.retain(|item| item.tag != Tag::Reset);
            let mut unique: IndexMap<String, Node> = IndexMap::new();
            for (index, item) in std::mem::take(items).into_iter().enumerate() {
                // What has no key is kept apart from everything else.
                let key = list_key(path, &item).unwrap_or_else(|| format!("\0{index}"));
                unique.insert(key, item);
            }
            *items = unique.into_values().collect();
        }
    }
    node.tag = Tag::None;
}

/// What an item of a list is known by; none: it is never the same as another.
fn list_key(path: &[String], item: &Node) -> Option<String> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let text = |key: &str| item.get(key).and_then(Node::as_text);
    match path.as_slice() {
        ["services", _, "ports"] => Some(format!(
            "{}:{}:{}/{}",
            text("host_ip").unwrap_or("0.0.0.0"),
            text("published").unwrap_or_default(),
            text("target")?,
            text("protocol").unwrap_or("tcp"),
        )),
        ["services", _, "volumes"] => text("target").map(|target| target.trim_end_matches('/').to_owned()),
        ["services", _, "secrets"] => {
            let target = text("target").or_else(|| text("source"))?;
            Some(target.strip_prefix("/run/secrets/").unwrap_or(target).to_owned())
        }
        ["services", _, "tmpfs"] => {
            let text = item.as_text()?;
            Some(text.split_once(':').map_or(text, |(target, _)| target).to_owned())
        }
        ["services", _, "cap_add" | "cap_drop" | "expose" | "profiles" | "security_opt"]
        | ["services", _, "networks", _, "aliases"]
        | ["x-shakedown", "planted_environment"] => item.as_text().map(str::to_owned),
        _ => None,
    }
}
