//! Parser events to a tree: anchors, aliases within bounds, `<<`, tags, duplicate keys.

use std::{borrow::Cow, collections::HashMap};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{
    Entry, Mapping, Node, Scalar, ScalarKind, Value,
    expand::{measure, merge_under},
    tag,
};
use crate::{reading::Reading, source::Place};

/// Deeper nesting than any Compose file has.
const DEEPEST: usize = 64;
/// Nodes after aliases are expanded. Aliases of aliases grow a file without bound otherwise.
const MOST_NODES: usize = 100_000;

/// Parses a file. None: the problem is recorded.
pub(crate) fn parse(reading: &mut Reading<'_>, file: usize) -> Option<Node> {
    let text = std::mem::take(reading.sources.text_mut(file));
    let outcome = Builder { file, ..Builder::default() }.run(&text);
    *reading.sources.text_mut(file) = text;
    outcome.map_err(|(place, message)| reading.problem(place, message)).ok()
}

/// What ends the parsing of a file.
type Wrong = (Place, String);

/// A list or mapping that has begun and not ended.
struct Open {
    node: Node,
    anchor: usize,
    /// Of a mapping: the key whose value comes next.
    key: Option<(String, Place)>,
    /// Of a mapping: what stands under `<<`.
    under: Option<Node>,
}

/// An anchored node, the number of nodes in it, and how deep it goes.
struct Anchored {
    node: Node,
    nodes: usize,
    depth: usize,
}

#[derive(Default)]
struct Builder {
    file: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

impl Builder {
    fn run(mut self, text: &str) -> Result<Node, Wrong> {
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| {
                let (line, column) = (error.marker().line().max(1), error.marker().col() + 1);
                let at = Place { file: self.file, line, column, width: 1 };
                (at, format!("this is not YAML: {}", error.info()))
            })?;
            self.event(event, span)?;
        }
        match self.root {
            Some(root) if root.as_mapping().is_some() => Ok(root),
            Some(root) if !root.is_null() => {
                let found = root.found();
                let message = format!("the file is {found}; expected a mapping with keys such as `services`");
                Err((root.place, message))
            }
            _ => {
                let whole = Place { file: self.file, line: 0, column: 0, width: 1 };
                Err((whole, "the file is empty; expected a Compose file".to_owned()))
            }
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Wrong> {
        let place = self.place(span);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                let one = self.documents == 1;
                let wrong =
                    || (place, "a second document begins here; expected one document per file".to_owned());
                one.then_some(()).ok_or_else(wrong)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let (tag, is_text) = tag::read(tag).map_err(|message| (place, message))?;
                self.count(place, 1)?;
                if self.expects_key() {
                    return self.key(text.into_owned(), style, place);
                }
                // Nothing is written where an empty value stands; its key is the place to show.
                let key = self.open.last().and_then(|open| open.key.as_ref()).map(|(_, place)| *place);
                let place = if span.is_empty() { key.unwrap_or(place) } else { place };
                let scalar =
                    scalar(text, style == ScalarStyle::Plain && !is_text).map_err(|wrong| (place, wrong))?;
                self.finish(Node { place, value: Value::Scalar(scalar), tag }, anchor)
            }
            Event::SequenceStart(anchor, tag) => self.begin(place, Value::Sequence(Vec::new()), anchor, tag),
            Event::MappingStart(anchor, tag) => {
                self.begin(place, Value::Mapping(Mapping::new()), anchor, tag)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                if self.expects_key() {
                    return Err((place, "an alias stands where a key should; write the key out".to_owned()));
                }
                let Some(Anchored { node, nodes, depth }) = self.anchors.get(&anchor) else {
                    return Err((place, "this alias stands inside of what it refers to".to_owned()));
                };
                let (nodes, depth) = (*nodes, *depth);
                self.check_depth(place, depth)?;
                // Counted before it is copied: a bomb must not go off first.
                if self.nodes.saturating_add(nodes) <= MOST_NODES {
                    let node = node.clone();
                    self.finish(node, 0)?;
                }
                self.count(place, nodes)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn place(&self, span: Span) -> Place {
        let one_line = span.end.line() == span.start.line();
        let width = if one_line { span.end.col().saturating_sub(span.start.col()).max(1) } else { 1 };
        Place { file: self.file, line: span.start.line().max(1), column: span.start.col() + 1, width }
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
            return Err((place, format!("lists and mappings are nested more than {DEEPEST} deep")));
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.key.is_none() && open.node.as_mapping().is_some())
    }

    fn begin(
        &mut self,
        place: Place,
        value: Value,
        anchor: usize,
        tag: Option<Cow<'_, saphyr_parser::Tag>>,
    ) -> Result<(), Wrong> {
        if self.expects_key() {
            return Err((
                place,
                "a list or mapping stands where a key should; keys are plain text".to_owned(),
            ));
        }
        self.count(place, 1)?;
        self.check_depth(place, 1)?;
        let (tag, _) = tag::read(tag).map_err(|message| (place, message))?;
        self.open.push(Open { node: Node { place, value, tag }, anchor, key: None, under: None });
        Ok(())
    }

    fn key(&mut self, text: String, style: ScalarStyle, place: Place) -> Result<(), Wrong> {
        if style == ScalarStyle::Plain && text.is_empty() {
            return Err((place, "a key is missing before this `:`".to_owned()));
        }
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        let same = open.node.as_mapping().and_then(|entries| entries.get(&text)).map(|entry| entry.key);
        let merge = open.under.as_ref().filter(|_| text == "<<").map(|node| node.place);
        if let Some(first) = same.or(merge) {
            return Err((place, format!("key `{text}` is given twice; the first is on line {}", first.line)));
        }
        open.key = Some((text, place));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Wrong> {
        let Some(Open { mut node, anchor, under, .. }) = self.open.pop() else {
            return Ok(());
        };
        if let (Some(entries), Some(under)) = (node.as_mapping_mut(), under) {
            merge_under(entries, under)?;
        }
        self.finish(node, anchor)
    }

    /// Hands a finished node to what it stands in.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Wrong> {
        if anchor != 0 {
            let (nodes, depth) = measure(&node);
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, depth });
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Value::Sequence(items), _) => items.push(node),
            (Value::Mapping(_), Some((key, _))) if key == "<<" => open.under = Some(node),
            (Value::Mapping(entries), Some((key, place))) => {
                entries.insert(key, Entry { key: place, node });
            }
            (Value::Mapping(_) | Value::Scalar(_), _) => {
                return Err((node.place, "a value stands here without a key".to_owned()));
            }
        }
        Ok(())
    }
}

/// Resolves a scalar, or says what it would silently become in Compose.
fn scalar(text: Cow<'_, str>, plain: bool) -> Result<Scalar, String> {
    if !plain {
        return Ok(Scalar::text(text.into_owned()));
    }
    let scalar = Scalar::plain(&text);
    let mut parts = text.splitn(3, '-');
    let number = |part: Option<&str>, most: usize| {
        part.is_some_and(|p| !p.is_empty() && p.len() <= most && p.chars().all(|c| c.is_ascii_digit()))
    };
    let day = |part: Option<&str>| number(part.and_then(|part| part.split(['T', 't', ' ']).next()), 2);
    if scalar.kind == ScalarKind::Text
        && number(parts.next(), 4)
        && number(parts.next(), 2)
        && day(parts.next())
    {
        return Err(format!(
            "Compose reads `{text}` as a moment in time and writes it differently; put it in quotes"
        ));
    }
    Ok(scalar)
}
