//! Short spellings to long ones, on the tree, so that files merge by key and only one spelling is read afterwards.

mod command;
mod mounts;
mod ports;

use crate::{
    reading::Reading,
    source::Place,
    yaml::{Entry, Mapping, Node, Scalar, ScalarKind, Tag, Value},
};

/// Rewrites one file. What has neither spelling stays as it is, for the typed stage to refuse.
pub(crate) fn file(reading: &mut Reading<'_>, root: &mut Node) {
    for section in ["volumes", "networks", "secrets"] {
        each(root, section, |node| {
            node_under(node, "labels", |labels| pairs(labels, ""));
        });
    }
    each(root, "services", |node| service(reading, node));
}

fn service(reading: &mut Reading<'_>, node: &mut Node) {
    node_under(node, "environment", |node| pairs(node, "="));
    node_under(node, "labels", |node| pairs(node, "="));
    node_under(node, "command", |node| command::split(reading, node));
    node_under(node, "entrypoint", |node| command::split(reading, node));
    node_under(node, "healthcheck", |node| {
        node_under(node, "test", command::health);
    });
    node_under(node, "depends_on", |node| names(node, dependency));
    node_under(node, "networks", |node| {
        names(node, |place| Node::new(place, Value::Scalar(Scalar::plain(""))));
    });
    node_under(node, "tmpfs", one_to_list);
    node_under(node, "profiles", |_| ());
    node_under(node, "ports", |node| items(node, ports::long));
    node_under(node, "volumes", |node| items(node, mounts::long));
    node_under(node, "secrets", |node| items(node, secret));
    node_under(node, "extra_hosts", extra_hosts);
    each(node, "ulimits", ulimit);
}

/// Calls `change` with the node under a key, if there is one that is not null.
fn node_under(node: &mut Node, key: &str, change: impl FnOnce(&mut Node)) {
    if let Some(entry) = node.as_mapping_mut().and_then(|mapping| mapping.get_mut(key))
        && !entry.node.is_null()
        && entry.node.tag != Tag::Reset
    {
        change(&mut entry.node);
    }
}

/// Calls `change` with every value of the mapping under a key.
fn each(node: &mut Node, key: &str, mut change: impl FnMut(&mut Node)) {
    if let Some(mapping) = node
        .as_mapping_mut()
        .and_then(|mapping| mapping.get_mut(key))
        .and_then(|entry| entry.node.as_mapping_mut())
    {
        mapping
            .values_mut()
            .map(|entry| &mut entry.node)
            .filter(|node| node.tag != Tag::Reset)
            .for_each(&mut change);
    }
}

/// Calls `change` with every item of a list.
fn items(node: &mut Node, change: impl FnMut(&mut Node)) {
    if let Value::Sequence(items) = &mut node.value {
        items.iter_mut().filter(|item| item.tag != Tag::Reset).for_each(change);
    }
}

/// `["A=b", "C"]` to `{A: b, C: }`. Without a separator only mappings are known, and lists stay.
fn pairs(node: &mut Node, separator: &str) {
    let Value::Sequence(items) = &node.value else {
        return;
    };
    if separator.is_empty() || !items.iter().all(|item| item.as_scalar().is_some()) {
        return;
    }
    let mut mapping = Mapping::new();
    for item in items {
        let (key, value) = match item.as_text().unwrap_or_default().split_once(separator) {
            Some((key, value)) => (key.to_owned(), item.part(value)),
            None => (item.as_text().unwrap_or_default().to_owned(), null(item.place)),
        };
        mapping.insert(key, Entry { key: item.place, node: Node { tag: item.tag, ..value } });
    }
    node.value = Value::Mapping(mapping);
}

fn null(place: Place) -> Node {
    Node::new(place, Value::Scalar(Scalar::plain("")))
}

/// `[a, b]` to `{a: …, b: …}`.
fn names(node: &mut Node, value: impl Fn(Place) -> Node) {
    let Value::Sequence(items) = &node.value else {
        return;
    };
    if !items.iter().all(|item| item.as_scalar().is_some()) {
        return;
    }
    let entry = |item: &Node| {
        let node = Node { tag: item.tag, ..value(item.place) };
        (item.as_text().unwrap_or_default().to_owned(), Entry { key: item.place, node })
    };
    node.value = Value::Mapping(items.iter().map(entry).collect());
}

/// What `depends_on: [NAME]` stands for.
fn dependency(place: Place) -> Node {
    let required = Scalar { kind: ScalarKind::Boolean, ..Scalar::text("true".to_owned()) };
    long(
        place,
        [
            ("condition", Node::text(place, "service_started")),
            ("required", Node::new(place, Value::Scalar(required))),
        ],
    )
}

fn one_to_list(node: &mut Node) {
    if node.as_scalar().is_some() {
        let item = Node { tag: Tag::None, ..node.clone() };
        node.value = Value::Sequence(vec![item]);
    }
}

fn secret(node: &mut Node) {
    if node.as_scalar().is_some() {
        let source = Node { tag: Tag::None, ..node.clone() };
        node.value = long(node.place, [("source", source)]).value;
    }
}

/// `{soft: n, hard: n}` for one number.
fn ulimit(node: &mut Node) {
    if node.as_scalar().is_some() {
        let limit = Node { tag: Tag::None, ..node.clone() };
        node.value = long(node.place, [("soft", limit.clone()), ("hard", limit)]).value;
    }
}

/// `["name:address"]` and `["name=address"]` to `{name: address}`.
fn extra_hosts(node: &mut Node) {
    let Value::Sequence(items) = &node.value else {
        return;
    };
    let mut mapping = Mapping::new();
    for item in items {
        let Some((name, address)) = item.as_text().and_then(|text| text.split_once(['=', ':'])) else {
            return;
        };
        mapping.insert(name.to_owned(), Entry { key: item.place, node: item.part(address) });
    }
    node.value = Value::Mapping(mapping);
}

/// A mapping made by the reader; every part stands where the whole does.
fn long<const N: usize>(place: Place, entries: [(&str, Node); N]) -> Node {
    let entries = entries.into_iter().map(|(key, node)| (key.to_owned(), Entry { key: place, node }));
    Node::new(place, Value::Mapping(entries.collect()))
}
