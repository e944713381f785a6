//! What is wrong, where, and what was likely meant.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// Names that are listed at most where none is near.
const MOST_LISTED: usize = 12;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The name of the file, as it was given.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Something that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What, in a sentence.
    pub message: String,
    /// What was likely meant, or what to do, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " {suggestion}"),
            None => Ok(()),
        }
    }
}

impl Fault {
    /// A fault without a suggestion.
    pub(super) fn new(place: &Place, message: impl Into<String>) -> Fault {
        Fault { place: place.clone(), message: message.into(), suggestion: None }
    }

    /// Adds what to do.
    pub(super) fn help(mut self, suggestion: impl Into<String>) -> Fault {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Adds the known word that is nearest to the one written or, if none is near, a short list of them.
    pub(super) fn nearest<'a>(self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Fault {
        self.nearest_of(written, &known.into_iter().collect::<Vec<_>>(), MOST_LISTED)
    }

    /// Adds the key that is nearest to the one written or, if none is near, all there are: what can be written in one
    /// place is never too much to be told.
    pub(super) fn nearest_key(self, written: &str, known: &[&str]) -> Fault {
        self.nearest_of(written, known, usize::MAX)
    }

    fn nearest_of(self, written: &str, known: &[&str], most: usize) -> Fault {
        match nearest(written, known) {
            Some(word) => self.help(format!("Did you mean \"{word}\"?")),
            None if (1..=most).contains(&known.len()) => self.help(format!("Known are: {}.", known.join(", "))),
            None => self,
        }
    }
}

/// The known word that is a slip of the pen away.
fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let written = written.to_lowercase().replace('-', "_");
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&written, &word.to_lowercase().replace('-', "_")), *word))
        .filter(|(distance, word)| *distance <= 1.max(word.chars().count() / 3))
        .min()
        .map(|(_, word)| word)
}
