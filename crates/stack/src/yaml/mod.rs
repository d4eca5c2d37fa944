//! YAML as a tree in which every node knows its place.

mod expand;
mod parse;
mod scalar;
mod tag;

pub(crate) use parse::parse;
pub(crate) use scalar::{Scalar, ScalarKind};
pub(crate) use tag::Tag;

use indexmap::IndexMap;

use crate::source::Place;

/// A node of the tree, aliases and merge keys already resolved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
    pub(crate) tag: Tag,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Mapping),
}

/// Keys to values, in the order of the file.
pub(crate) type Mapping = IndexMap<String, Entry>;

/// A value under its key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Where the key stands.
    pub(crate) key: Place,
    pub(crate) node: Node,
}

impl Node {
    /// A node made by the reader, at the place of what it was made from.
    pub(crate) fn new(place: Place, value: Value) -> Self {
        Self { place, value, tag: Tag::None }
    }

    /// A scalar made by the reader.
    pub(crate) fn text(place: Place, text: impl Into<String>) -> Self {
        Self::new(place, Value::Scalar(Scalar::text(text.into())))
    }

    /// A scalar cut out of this one: it came from the same variables.
    pub(crate) fn part(&self, text: impl Into<String>) -> Self {
        let mut scalar = Scalar::text(text.into());
        if let Value::Scalar(whole) = &self.value {
            scalar.variables.clone_from(&whole.variables);
        }
        Self::new(self.place, Value::Scalar(scalar))
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind == ScalarKind::Null)
    }

    pub(crate) fn as_scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind != ScalarKind::Null => Some(scalar),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        self.as_scalar().map(|scalar| scalar.text.as_str())
    }

    pub(crate) fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    pub(crate) fn as_mapping_mut(&mut self) -> Option<&mut Mapping> {
        match &mut self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The node under a key, if this is a mapping that has it and it is not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.get(key).map(|entry| &entry.node).filter(|node| !node.is_null())
    }

    /// What was found here, for an error; values of variables are named, not shown.
    pub(crate) fn found(&self) -> String {
        match &self.value {
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
            Value::Scalar(scalar) => scalar.found(),
        }
    }
}
