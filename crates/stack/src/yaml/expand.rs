//! What aliases and `<<` bring into a mapping, and how much it is.

use super::{Mapping, Node, Value};
use crate::source::Place;

/// `<<`: keys of the merged mappings where there is none yet; of several, the first has its way.
pub(crate) fn merge_under(entries: &mut Mapping, under: Node) -> Result<(), (Place, String)> {
    let sources = match under.value {
        Value::Sequence(items) => items,
        _ => vec![under],
    };
    for source in sources {
        let found = source.found();
        let Value::Mapping(mapping) = source.value else {
            let message = format!("`<<` is {found}; expected an alias of a mapping, or a list of such");
            return Err((source.place, message));
        };
        for (key, entry) in mapping {
            entries.entry(key).or_insert(entry);
        }
    }
    Ok(())
}

/// Nodes in a tree, and how deep it goes.
pub(crate) fn measure(node: &Node) -> (usize, usize) {
    let add = |(nodes, depth): (usize, usize), node: &Node| {
        let (more, deep) = measure(node);
        (nodes + more, depth.max(deep))
    };
    match &node.value {
        Value::Scalar(_) => (1, 0),
        Value::Sequence(items) => {
            let (nodes, depth) = items.iter().fold((0, 0), add);
            (nodes + 1, depth + 1)
        }
        Value::Mapping(entries) => {
            let (nodes, depth) = entries.values().map(|entry| &entry.node).fold((0, 0), add);
            (nodes + entries.len() + 1, depth + 1)
        }
    }
}
