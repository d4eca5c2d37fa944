//! Parser events to a tree: anchors, aliases within bounds, `<<`, Compose's tags, duplicate keys.

use std::{borrow::Cow, collections::HashMap};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{Entry, Mapping, Node, Scalar, Tag, Value};
use crate::{reading::Reading, source::Place};

/// Deeper nesting than any Compose file has.
const DEEPEST: usize = 64;
/// Nodes after aliases are expanded. Aliases of aliases grow a file without bound otherwise.
const MOST_NODES: usize = 100_000;

/// Parses a file. None: the problem is recorded.
pub(crate) fn parse(reading: &mut Reading<'_>, file: usize) -> Option<Node> {
    let text = std::mem::take(reading.sources.text_mut(file));
    let mut builder = Builder {
        file,
        ..Builder::default()
    };
    let outcome = builder.run(&text);
    *reading.sources.text_mut(file) = text;
    match outcome {
        Ok(root) => Some(root),
        Err((place, message)) => {
            reading.problem(place, message);
            None
        }
    }
}

type Wrong = (Place, String);

/// A collection that has begun and not ended.
enum Frame {
    Sequence {
        place: Place,
        anchor: usize,
        tag: Tag,
        items: Vec<Node>,
    },
    Mapping {
        place: Place,
        anchor: usize,
        tag: Tag,
        entries: Mapping,
        key: Option<(String, Place)>,
        under: Option<Node>,
    },
}

#[derive(Default)]
struct Builder {
    file: usize,
    open: Vec<Frame>,
    /// Finished anchored nodes with the number of nodes in them and how deep they go.
    anchors: HashMap<usize, (Node, usize, usize)>,
    nodes: usize,
    root: Option<Node>,
    documents: usize,
}

impl Builder {
    fn run(&mut self, text: &str) -> Result<Node, Wrong> {
        let whole = Place {
            file: self.file,
            line: 0,
            column: 0,
            width: 1,
        };
        for event in Parser::new_from_str(text) {
            match event {
                Ok((event, span)) => self.event(event, span)?,
                Err(error) => {
                    let at = Place {
                        file: self.file,
                        line: error.marker().line().max(1),
                        column: error.marker().col() + 1,
                        width: 1,
                    };
                    return Err((at, format!("this is not YAML: {}", error.info())));
                }
            }
        }
        let root = self
            .root
            .take()
            .ok_or_else(|| (whole, "the file is empty; expected a Compose file".to_owned()))?;
        match &root.value {
            Value::Mapping(_) => Ok(root),
            _ if root.is_null() => Err((whole, "the file is empty; expected a Compose file".to_owned())),
            _ => {
                let found = root.found();
                Err((
                    root.place,
                    format!("the file is {found}; expected a mapping with keys such as `services`"),
                ))
            }
        }
    }

    fn place(&self, span: Span) -> Place {
        let one_line = span.end.line() == span.start.line();
        let width = if one_line {
            span.end.col().saturating_sub(span.start.col()).max(1)
        } else {
            1
        };
        Place {
            file: self.file,
            line: span.start.line().max(1),
            column: span.start.col() + 1,
            width,
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Wrong> {
        let place = self.place(span);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err((
                        place,
                        "a second document begins here; expected one document per file".to_owned(),
                    ));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let (tag, as_text) = compose_tag(tag, place)?;
                self.count(place, 1)?;
                if self.expects_key() {
                    return self.key(text.into_owned(), style, place);
                }
                let scalar = if style == ScalarStyle::Plain && !as_text {
                    Scalar::plain(&text)
                } else {
                    Scalar::text(text.into_owned())
                };
                // Nothing is written where an empty value stands; its key is the place to show.
                let place = if span.is_empty() {
                    self.key_place().unwrap_or(place)
                } else {
                    place
                };
                self.finish(
                    Node {
                        place,
                        value: Value::Scalar(scalar),
                        tag,
                    },
                    anchor,
                )
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(place)?;
                let (tag, _) = compose_tag(tag, place)?;
                self.open.push(Frame::Sequence {
                    place,
                    anchor,
                    tag,
                    items: Vec::new(),
                });
                Ok(())
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(place)?;
                let (tag, _) = compose_tag(tag, place)?;
                self.open.push(Frame::Mapping {
                    place,
                    anchor,
                    tag,
                    entries: Mapping::new(),
                    key: None,
                    under: None,
                });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                if self.expects_key() {
                    return Err((
                        place,
                        "an alias stands where a key should; write the key out".to_owned(),
                    ));
                }
                let Some((node, nodes, depth)) = self.anchors.get(&anchor) else {
                    return Err((place, "this alias stands inside of what it refers to".to_owned()));
                };
                let (node, nodes, depth) = (node.clone(), *nodes, *depth);
                self.count(place, nodes)?;
                self.check_depth(place, depth)?;
                self.finish(node, 0)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, place: Place) -> Result<(), Wrong> {
        if self.expects_key() {
            return Err((
                place,
                "a list or mapping stands where a key should; keys are plain text".to_owned(),
            ));
        }
        self.count(place, 1)?;
        self.check_depth(place, 1)
    }

    fn count(&mut self, place: Place, more: usize) -> Result<(), Wrong> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MOST_NODES {
            return Err((
                place,
                format!("with its aliases expanded the file has more than {MOST_NODES} values"),
            ));
        }
        Ok(())
    }

    fn check_depth(&self, place: Place, more: usize) -> Result<(), Wrong> {
        if self.open.len() + more > DEEPEST {
            return Err((
                place,
                format!("lists and mappings are nested more than {DEEPEST} deep"),
            ));
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Frame::Mapping { key: None, .. }))
    }

    fn key_place(&self) -> Option<Place> {
        match self.open.last() {
            Some(Frame::Mapping {
                key: Some((_, place)),
                ..
            }) => Some(*place),
            _ => None,
        }
    }

    fn key(&mut self, text: String, style: ScalarStyle, place: Place) -> Result<(), Wrong> {
        if style == ScalarStyle::Plain && text.is_empty() {
            return Err((place, "a key is missing before this `:`".to_owned()));
        }
        let Some(Frame::Mapping {
            entries, key, under, ..
        }) = self.open.last_mut()
        else {
            return Ok(());
        };
        let first = match entries.get(&text) {
            Some(entry) => Some(entry.key),
            None if text == "<<" => under.as_ref().map(|node| node.place),
            None => None,
        };
        if let Some(first) = first {
            let message = format!("key `{text}` is given twice; the first is on line {}", first.line);
            return Err((place, message));
        }
        *key = Some((text, place));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Wrong> {
        match self.open.pop() {
            Some(Frame::Sequence {
                place,
                anchor,
                tag,
                items,
            }) => self.finish(
                Node {
                    place,
                    value: Value::Sequence(items),
                    tag,
                },
                anchor,
            ),
            Some(Frame::Mapping {
                place,
                anchor,
                tag,
                mut entries,
                under,
                ..
            }) => {
                if let Some(under) = under {
                    merge_under(&mut entries, under)?;
                }
                self.finish(
                    Node {
                        place,
                        value: Value::Mapping(entries),
                        tag,
                    },
                    anchor,
                )
            }
            None => Ok(()),
        }
    }

    /// Hands a finished node to what it stands in.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Wrong> {
        if anchor != 0 {
            let (nodes, depth) = measure(&node);
            self.anchors.insert(anchor, (node.clone(), nodes, depth));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Frame::Sequence { items, .. }) => items.push(node),
            Some(Frame::Mapping {
                entries, key, under, ..
            }) => match key.take() {
                Some((text, _)) if text == "<<" => *under = Some(node),
                Some((text, place)) => {
                    entries.insert(text, Entry { key: place, node });
                }
                None => return Err((node.place, "a key is missing here".to_owned())),
            },
        }
        Ok(())
    }
}

/// `<<`: keys of the merged mappings where there is none yet; of several, the first has its way.
fn merge_under(entries: &mut Mapping, under: Node) -> Result<(), Wrong> {
    let sources = match under.value {
        Value::Sequence(items) => items,
        _ => vec![under],
    };
    for source in sources {
        let found = source.found();
        let Value::Mapping(mapping) = source.value else {
            return Err((
                source.place,
                format!("`<<` is {found}; expected an alias of a mapping, or a list of such"),
            ));
        };
        for (key, entry) in mapping {
            entries.entry(key).or_insert(entry);
        }
    }
    Ok(())
}

/// Nodes in a tree, and how deep it goes.
fn measure(node: &Node) -> (usize, usize) {
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

/// Compose's tag, and whether a scalar is text whatever it looks like.
fn compose_tag(tag: Option<Cow<'_, saphyr_parser::Tag>>, place: Place) -> Result<(Tag, bool), Wrong> {
    let Some(tag) = tag else {
        return Ok((Tag::None, false));
    };
    match (tag.handle.as_str(), tag.suffix.as_str()) {
        ("!", "reset") => Ok((Tag::Reset, false)),
        ("!", "override") => Ok((Tag::Override, false)),
        ("" | "!", "" | "!") | ("tag:yaml.org,2002:", "str") => Ok((Tag::None, true)),
        ("tag:yaml.org,2002:", "int" | "float" | "bool" | "null" | "map" | "seq") => Ok((Tag::None, false)),
        _ => Err((
            place,
            format!("tag `{tag}` is not supported; Compose's own are `!reset` and `!override`"),
        )),
    }
}
