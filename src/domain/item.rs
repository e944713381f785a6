//! A maintenance item: the thing of which a computer has one desired state.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::words::words;

/// A software or a task, by name. Written `software/7zip` or `task/time-server`, in JSON too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Item {
    /// What kind of item it is.
    pub kind: ItemKind,
    /// The name of the software or task.
    pub name: String,
}

words! {
    /// The kinds of maintenance item.
    ItemKind {
        /// Something with a version that is installed or not.
        Software = "software",
        /// Something that is satisfied or not.
        Task = "task",
    }
}

/// Stands between a task and the key of its child.
const CHILD_MARK: char = '#';

impl Item {
    /// The software of this name.
    pub fn software(name: impl Into<String>) -> Self {
        Item { kind: ItemKind::Software, name: name.into() }
    }

    /// The task of this name.
    pub fn task(name: impl Into<String>) -> Self {
        Item { kind: ItemKind::Task, name: name.into() }
    }

    /// What this task's test names by a key: `task/patches#KB5031356`. No item that is deployed has such a name.
    pub fn child(&self, key: &str) -> Self {
        Item { kind: self.kind, name: format!("{}{CHILD_MARK}{key}", self.name) }
    }

    /// The task whose test has named this; none of what is deployed.
    pub fn parent(&self) -> Option<Item> {
        self.name.split_once(CHILD_MARK).map(|(name, _)| Item { kind: self.kind, name: name.to_owned() })
    }
}

/// What should name an item does not.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" does not name a maintenance item: software/NAME or task/NAME is expected")]
pub struct NotAnItem(String);

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl FromStr for Item {
    type Err = NotAnItem;

    fn from_str(text: &str) -> Result<Self, NotAnItem> {
        match text.split_once('/') {
            Some(("software", name)) if !name.is_empty() => Ok(Item::software(name)),
            Some(("task", name)) if !name.is_empty() => Ok(Item::task(name)),
            _ => Err(NotAnItem(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Item {
    type Error = NotAnItem;

    fn try_from(text: String) -> Result<Self, NotAnItem> {
        text.parse()
    }
}

impl From<Item> for String {
    fn from(item: Item) -> String {
        item.to_string()
    }
}
