//! Reading values out of YAML, noting every fault instead of stopping at the first.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::domain::words::UnknownWord;
use crate::domain::{Os, Scheme, Sha256Hash, Version};

use super::attached::{Attached, StoredFile};
use super::faults::{Fault, Place};
use super::yaml::{Node, Value};

/// The longest name.
const LONGEST_NAME: usize = 100;

/// What has been noted while a document is read.
#[derive(Debug, Default)]
pub(super) struct Reader<'f> {
    pub faults: RefCell<Vec<Fault>>,
    /// The files that documents may name.
    pub attached: Option<&'f Attached<'f>>,
    /// Scripts that are only for some operating systems.
    pub variants: RefCell<Vec<(Place, BTreeSet<Os>)>>,
    /// The texts of the scripts met.
    pub scripts: RefCell<BTreeMap<Sha256Hash, String>>,
    /// The files for computers met, and where they are named.
    pub stored: RefCell<BTreeMap<Sha256Hash, (StoredFile, Place)>>,
    /// Where the values of the document are, by path.
    pub places: RefCell<BTreeMap<String, Place>>,
}

/// A mapping that is being read. Every key that is asked for is a known one.
pub(super) struct Fields<'a> {
    reader: &'a Reader<'a>,
    node: &'a Node,
    what: String,
    path: String,
    entries: Vec<(&'a str, &'a Node, &'a Node)>,
    known: RefCell<BTreeSet<&'static str>>,
}

impl Reader<'_> {
    pub(super) fn fault(&self, fault: Fault) {
        self.faults.borrow_mut().push(fault);
    }

    fn none<T>(&self, fault: Fault) -> Option<T> {
        self.fault(fault);
        None
    }

    /// The entries of a mapping. `what` names it in sentences, `path` in places.
    pub(super) fn fields<'a>(&'a self, node: &'a Node, what: impl Into<String>, path: &str) -> Option<Fields<'a>> {
        let what = what.into();
        let Value::Map(pairs) = &node.value else {
            return self
                .none(Fault::new(&node.place, format!("{what} must be a mapping, and this is {}.", node.is_a())));
        };
        let mut entries: Vec<(&str, &Node, &Node)> = Vec::new();
        for (key, value) in pairs {
            let Value::Scalar { text, .. } = &key.value else {
                self.fault(Fault::new(&key.place, format!("A key must be a word, and this is {}.", key.is_a())));
                continue;
            };
            if entries.iter().any(|(known, ..)| known == text) {
                self.fault(Fault::new(&key.place, format!("\"{text}\" stands here a second time.")));
                continue;
            }
            self.places.borrow_mut().insert(format!("{path}{text}"), value.place.clone());
            entries.push((text, key, value));
        }
        let path = path.to_owned();
        Some(Fields { reader: self, node, what, path, entries, known: RefCell::default() })
    }

    /// Any single value, as it is written.
    pub(super) fn text(&self, node: &Node) -> Option<String> {
        match &node.value {
            Value::Scalar { text, .. } if text.contains('\0') => {
                self.none(Fault::new(&node.place, "Text must not have the character NUL, and this has."))
            }
            Value::Scalar { text, .. } if !text.trim().is_empty() => Some(text.clone()),
            Value::Scalar { .. } => self.none(Fault::new(&node.place, "Text is expected here, and this is nothing.")),
            Value::List(_) | Value::Map(_) => {
                self.none(Fault::new(&node.place, format!("Text is expected here, and this is {}.", node.is_a())))
            }
        }
    }

    /// A name: letters, digits, `.`, `_` and `-`, beginning with a letter or a digit.
    pub(super) fn name(&self, node: &Node) -> Option<String> {
        let text = self.text(node)?;
        let is_name = text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.len() <= LONGEST_NAME
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter));
        if is_name {
            return Some(text);
        }
        self.none(Fault::new(&node.place, format!("\"{text}\" is not a name.")).help(format!(
            "A name has up to {LONGEST_NAME} letters, digits, '.', '_' and '-', and begins with a letter or a digit."
        )))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, node: &Node) -> Option<bool> {
        let text = self.text(node)?;
        text.parse().ok().or_else(|| {
            self.none(Fault::new(&node.place, format!("true or false is expected here, and this is \"{text}\".")))
        })
    }

    /// A number in a range, with what it counts for the sentence.
    pub(super) fn number<T: FromStr + PartialOrd + std::fmt::Display>(
        &self,
        node: &Node,
        least: T,
        most: T,
    ) -> Option<T> {
        let text = self.text(node)?;
        text.parse().ok().filter(|number| *number >= least && *number <= most).or_else(|| {
            let message = format!("A number from {least} to {most} is expected here, and this is \"{text}\".");
            self.none(Fault::new(&node.place, message))
        })
    }

    /// One of our words.
    pub(super) fn word<T: FromStr<Err = UnknownWord>>(&self, node: &Node) -> Option<T> {
        let text = self.text(node)?;
        text.parse()
            .map_err(|unknown: UnknownWord| {
                let known = unknown.known.iter().copied();
                self.fault(Fault::new(&node.place, format!("\"{text}\" is not known here.")).nearest(&text, known));
            })
            .ok()
    }

    /// A version. Whether it is one by the scheme of its software is known once all is read.
    pub(super) fn version(&self, node: &Node) -> Option<String> {
        let text = self.text(node)?;
        if Version::parse(Scheme::Loose, &text).is_some() {
            return Some(text.trim().to_owned());
        }
        self.none(Fault::new(
            &node.place,
            format!("\"{text}\" is not a version: there is no digit in it, or it is too long."),
        ))
    }

    /// A length of time, in milliseconds: `30s`, `10m`, `2h`, or a number of seconds.
    pub(super) fn duration_ms(&self, node: &Node) -> Option<u64> {
        let text = self.text(node)?;
        let (digits, unit_ms) = match text.as_bytes().last() {
            Some(b's') => (&text[..text.len() - 1], 1_000),
            Some(b'm') => (&text[..text.len() - 1], 60_000),
            Some(b'h') => (&text[..text.len() - 1], 3_600_000),
            _ => (text.as_str(), 1_000),
        };
        let ms = digits.parse::<u32>().ok().filter(|number| *number > 0).map(|number| u64::from(number) * unit_ms);
        ms.filter(|ms| *ms <= 86_400_000).or_else(|| {
            let message = format!("A length of time up to 24h is expected here, and this is \"{text}\".");
            self.none(Fault::new(&node.place, message).help("Write it as 30s, 10m or 2h."))
        })
    }

    /// What a file for computers is, named by its path beside the fleet file.
    pub(super) fn stored_file(&self, node: &Node) -> Option<StoredFile> {
        let path = self.text(node)?;
        let (file, path) = self.attached?.stored(&node.place.file, path.trim());
        let Some(file) = file else {
            let fault = Fault::new(&node.place, format!("There is no file \"{path}\"."));
            return self.none(fault.help(
                "Its path is relative to the fleet file that names it; over the API it is stored first, by PUT /v1/files/SHA256, \
                 and named in \"stored\".",
            ));
        };
        let met = (file.clone(), node.place.clone());
        self.stored.borrow_mut().entry(file.sha256).or_insert(met);
        Some(file.clone())
    }

    /// The members of a list; a single value is a list of one.
    pub(super) fn list<'a>(&self, node: &'a Node) -> Vec<&'a Node> {
        match &node.value {
            Value::List(nodes) => nodes.iter().collect(),
            Value::Scalar { .. } | Value::Map(_) => vec![node],
        }
    }
}

impl<'a> Fields<'a> {
    /// Names the mapping better, now that more is known of it.
    pub(super) fn rename(&mut self, what: String) {
        self.what = what;
    }

    /// The value of a key; none if it is not there or is nothing.
    pub(super) fn get(&self, key: &'static str) -> Option<&'a Node> {
        self.known.borrow_mut().insert(key);
        self.entries.iter().find(|(known, ..)| *known == key).map(|(.., value)| *value).filter(|value| !value.is_null())
    }

    /// The value of a key that must be there.
    pub(super) fn need(&self, key: &'static str) -> Option<&'a Node> {
        self.get(key)
            .or_else(|| self.reader.none(Fault::new(&self.node.place, format!("{} lacks \"{key}\".", self.what))))
    }

    /// The mapping itself.
    pub(super) fn node(&self) -> &'a Node {
        self.node
    }

    /// The keys that are there, known or not.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'a str, &'a Node, &'a Node)> {
        self.entries.iter().copied()
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self) {
        let known: Vec<&str> = self.known.borrow().iter().copied().collect();
        for (written, key, _) in &self.entries {
            if !known.contains(written) {
                let fault = Fault::new(&key.place, format!("{} has no \"{written}\".", self.what));
                self.reader.fault(fault.nearest_key(written, &known));
            }
        }
    }

    /// The path of a key of this mapping.
    pub(super) fn path(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }

    /// Notes where something of this mapping is.
    pub(super) fn mark(&self, key: &str, node: &Node) {
        self.mark_at(key, node.place.clone());
    }

    /// Notes where something of this mapping is.
    pub(super) fn mark_at(&self, key: &str, place: Place) {
        self.reader.places.borrow_mut().insert(self.path(key), place);
    }
}
