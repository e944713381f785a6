//! YAML as a tree in which everything knows its place.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::faults::{Fault, Place};

/// The deepest nesting that is read; a fleet file needs about six.
const DEEPEST: usize = 32;
/// The most nodes that are read of one file, aliases counted in full.
const MOST_NODES: usize = 1_000_000;

/// A piece of a file.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
}

/// What a piece of a file is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Text as it was written; whether it is a number is for who asks. `plain` says that it was not quoted, `begins` at
    /// which line and column its first letter is, if the places of all others follow from that.
    Scalar { text: String, plain: bool, begins: Option<(usize, usize)> },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order written.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// True of what is written as nothing: `key:` or `key: null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true, .. } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// The place of a line and a column of its text, both from 1, or where it begins if that cannot be told.
    pub(super) fn place_in(&self, line: usize, column: usize) -> Place {
        match &self.value {
            Value::Scalar { begins: Some((first, indent)), .. } => {
                Place { line: first + line - 1, column: indent + column - 1, file: Arc::clone(&self.place.file) }
            }
            Value::Scalar { begins: None, .. } | Value::List(_) | Value::Map(_) => self.place.clone(),
        }
    }

    /// The text under this key, if it is a mapping and has it.
    pub(super) fn text(&self, wanted: &str) -> Option<&str> {
        let Value::Map(entries) = &self.value else { return None };
        entries.iter().find_map(|(key, value)| match (&key.value, &value.value) {
            (Value::Scalar { text: key, .. }, Value::Scalar { text, .. }) if key == wanted => Some(text.as_str()),
            _ => None,
        })
    }

    /// What it is, for a sentence.
    pub(super) fn is_a(&self) -> &'static str {
        match &self.value {
            _ if self.is_null() => "nothing",
            Value::Scalar { .. } => "a value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Scalar { .. } => 0,
            Value::List(nodes) => nodes.iter().map(Node::size).sum(),
            Value::Map(entries) => entries.iter().map(|(key, value)| key.size() + value.size()).sum(),
        }
    }
}

/// Reads the documents of a file. Empty documents are left out.
///
/// # Errors
/// The first place that is not YAML; what follows it cannot be read.
pub(super) fn documents(file: &str, text: &str) -> Result<Vec<Node>, Fault> {
    let file: Arc<str> = file.into();
    let place = |mark: &Marker| Place { file: Arc::clone(&file), line: mark.line(), column: mark.col() + 1 };
    let mut documents = Vec::new();
    let mut open: Vec<(Node, usize)> = Vec::new();
    let mut anchors: HashMap<usize, Node> = HashMap::new();
    let mut nodes = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            Fault::new(&place(error.marker()), format!("This is not YAML: {}.", error.info()))
                .help("Look at the indentation and the quotes just before.")
        })?;
        let at = place(&span.start);
        let finished = match event {
            Event::Scalar(scalar, style, anchor, _) => {
                let one_line = span.start.line() == span.end.line() && !scalar.contains('\n');
                let begins = match style {
                    ScalarStyle::Plain => one_line.then_some((at.line, at.column)),
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                        one_line.then_some((at.line, at.column + 1))
                    }
                    ScalarStyle::Literal => {
                        // A block's place is that of its first line that says something.
                        let blank = scalar.chars().take_while(|letter| *letter == '\n').count();
                        Some((at.line.saturating_sub(blank), at.column))
                    }
                    ScalarStyle::Folded => None,
                };
                let value = Value::Scalar { text: scalar.into_owned(), plain: style == ScalarStyle::Plain, begins };
                Some((Node { place: at.clone(), value }, anchor))
            }
            Event::Alias(anchor) => {
                let named = anchors.get(&anchor).cloned();
                let named =
                    named.ok_or_else(|| Fault::new(&at, "This alias refers to an anchor that is not complete yet."))?;
                Some((Node { place: at.clone(), ..named }, 0))
            }
            Event::SequenceStart(anchor, _) => {
                open.push((Node { place: at.clone(), value: Value::List(Vec::new()) }, anchor));
                None
            }
            Event::MappingStart(anchor, _) => {
                open.push((Node { place: at.clone(), value: Value::Map(Vec::new()) }, anchor));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                None
            }
        };
        if open.len() > DEEPEST {
            return Err(Fault::new(&at, format!("This is nested deeper than {DEEPEST} levels.")));
        }
        let Some((node, anchor)) = finished else { continue };
        nodes += node.size();
        if nodes > MOST_NODES {
            return Err(Fault::new(
                &at,
                format!("This file has more than {MOST_NODES} values, aliases counted in full."),
            ));
        }
        if anchor > 0 {
            anchors.insert(anchor, node.clone());
        }
        match open.last_mut() {
            None if node.is_null() => {}
            None => documents.push(node),
            Some((parent, _)) => add(parent, node),
        }
    }
    Ok(documents)
}

/// Adds a finished node to the one it is in. In a mapping, a key waits for its value with an empty one beside it.
fn add(parent: &mut Node, node: Node) {
    match &mut parent.value {
        Value::List(nodes) => nodes.push(node),
        Value::Map(entries) => match entries.last_mut() {
            Some((key, value)) if value.place.line == 0 => {
                // An empty value has no place of its own that would help anybody.
                let place = if node.is_null() { key.place.clone() } else { node.place.clone() };
                *value = Node { place, ..node };
            }
            _ => {
                let waiting = Place { line: 0, ..node.place.clone() };
                let value = Value::Scalar { text: String::new(), plain: true, begins: None };
                entries.push((node, Node { place: waiting, value }));
            }
        },
        Value::Scalar { .. } => {}
    }
}
