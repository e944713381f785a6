//! What a script says to Pitcrew, and not about what it looks at: lines of standard output that begin with
//! [`DIRECTIVE`], followed by a JSON object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What such a line begins with.
pub const DIRECTIVE: &str = "::pitcrew ";
/// The environment variable by which a task's scripts are told the key of the child that they are called for.
pub const CHILD: &str = "PITCREW_CHILD";
/// So many children of one task are taken.
pub const CHILDREN_MAX: usize = 100;
/// So many bytes may the children of one task be together, as JSON.
pub const CHILDREN_BYTES_MAX: usize = 64 * 1024;
/// The longest key, title, name and value of a child, in characters.
const KEY_MAX: usize = 100;
const TITLE_MAX: usize = 200;
const NAME_MAX: usize = 40;
const VALUE_MAX: usize = 1000;
/// So many parameters may one child have.
const PARAMETERS_MAX: usize = 16;

/// What a script has said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Said {
    /// What is missing for a task to be satisfied, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Child>,
    /// The session is to end after this action, with this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
    /// What it was doing, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<Activity>,
}

impl Said {
    /// True if it has said nothing.
    pub fn is_nothing(&self) -> bool {
        self.children.is_empty() && self.stop.is_none() && self.activities.is_empty()
    }

    /// Every text in it, to be changed in place.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let children = self.children.iter_mut().flat_map(|child| {
            let Child { key, title, parameters } = child;
            std::iter::once(key).chain(title).chain(parameters.values_mut())
        });
        children.chain(&mut self.stop).chain(self.activities.iter_mut().filter_map(|activity| activity.text.as_mut()))
    }
}

/// Something of a task that is missing, and is made an action of its own: one patch of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    /// Names it among the children of its task.
    pub key: String,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the task's scripts are told when they are called for it: `severity` as `CHILD_SEVERITY`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

impl Child {
    /// What is wrong with it and what would be right, in sentences; none if nothing is.
    pub fn fault(&self) -> Option<String> {
        let Child { key, title, parameters } = self;
        let is_key = !key.is_empty()
            && key.chars().count() <= KEY_MAX
            && !key.chars().any(|letter| letter == '#' || letter.is_whitespace() || letter.is_control());
        if !is_key {
            return Some(format!(
                "{key:?} is not a key: it has 1 to {KEY_MAX} characters, and neither blanks nor `#`."
            ));
        }
        if title.as_ref().is_some_and(|title| title.chars().count() > TITLE_MAX || title.contains(char::is_control)) {
            return Some(format!("The title of {key} is no line of at most {TITLE_MAX} characters: shorten it."));
        }
        if parameters.len() > PARAMETERS_MAX {
            return Some(format!("{key} has {} parameters: give it {PARAMETERS_MAX} at most.", parameters.len()));
        }
        let is_name = |name: &str| {
            name.len() <= NAME_MAX
                && name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
        };
        parameters.iter().find_map(|(name, value)| {
            if !is_name(name) {
                return Some(format!(
                    "{name:?} of {key} is not the name of a parameter: it has up to {NAME_MAX} small letters, digits and `_`, \
                     and begins with a letter."
                ));
            }
            let is_value = value.chars().count() <= VALUE_MAX && !value.contains('\0');
            (!is_value).then(|| format!("The value of {name} of {key} is longer than {VALUE_MAX} characters: shorten it."))
        })
    }

    /// How much it adds to the findings, in bytes of JSON.
    pub fn size(&self) -> usize {
        let texts = [self.key.len(), self.title.as_ref().map_or(0, String::len)];
        let parameters = self.parameters.iter().map(|(name, value)| name.len() + value.len() + 8);
        texts.into_iter().chain(parameters).sum::<usize>() + 40
    }
}

/// What a script has said to people, in one line of bounded length that does nothing to a terminal.
pub fn line_of(text: &str) -> String {
    const MOST: usize = 500;
    let blank = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.trim().chars().map(blank).take(MOST).collect()
}

/// What a script was doing at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// How far it was, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// What it was doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How long after the start of its step, in milliseconds.
    pub after_ms: u64,
}
