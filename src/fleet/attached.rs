//! Files that fleet files name: the texts of scripts, which whoever sends fleet files sends along, and files for computers,
//! which are stored beforehand, so that only what they are is sent.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::Sha256Hash;

/// What a file for computers is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredFile {
    /// Its path, as it follows from that of the fleet file that names it.
    pub name: String,
    /// Its checksum.
    pub sha256: Sha256Hash,
    /// In bytes.
    pub size: u64,
}

/// The files at hand, by their paths, and the paths that were asked for.
#[derive(Debug, Default)]
pub struct Attached<'a> {
    texts: BTreeMap<String, &'a str>,
    wanted: RefCell<BTreeSet<String>>,
    stored: BTreeMap<String, &'a StoredFile>,
    wanted_stored: RefCell<BTreeSet<String>>,
}

impl<'a> Attached<'a> {
    /// Files as path and text.
    pub fn new(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Attached<'a> {
        let texts = files.into_iter().map(|(path, text)| (plain(path), text)).collect();
        Attached { texts, ..Attached::default() }
    }

    /// The same with files for computers.
    pub fn with_stored(self, stored: impl IntoIterator<Item = &'a StoredFile>) -> Attached<'a> {
        Attached { stored: stored.into_iter().map(|file| (plain(&file.name), file)).collect(), ..self }
    }

    /// The text of a file that is named in `fleet_file`, and its path; no text if it is not at hand.
    pub(super) fn text(&self, fleet_file: &str, path: &str) -> (Option<&'a str>, String) {
        let path = beside(fleet_file, path);
        self.wanted.borrow_mut().insert(path.clone());
        (self.texts.get(&path).copied(), path)
    }

    /// What a file for computers is that is named in `fleet_file`, and its path; nothing if it is not at hand.
    pub(super) fn stored(&self, fleet_file: &str, path: &str) -> (Option<&'a StoredFile>, String) {
        let path = beside(fleet_file, path);
        self.wanted_stored.borrow_mut().insert(path.clone());
        (self.stored.get(&path).copied(), path)
    }

    /// The paths that were asked for: of texts, and of files for computers.
    pub(super) fn into_wanted(self) -> (BTreeSet<String>, BTreeSet<String>) {
        (self.wanted.into_inner(), self.wanted_stored.into_inner())
    }
}

/// The path of a file that is named in another one, relative to that.
fn beside(fleet_file: &str, path: &str) -> String {
    let folder = fleet_file.rfind(['/', '\\']).map_or("", |end| &fleet_file[..=end]);
    if path.starts_with('/') { plain(path) } else { plain(&format!("{folder}{path}")) }
}

/// A path without detours, so that one file has one name.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, ".." | "")) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_beside_the_one_that_names_it() {
        for (fleet_file, path, expected) in [
            ("fleet.yaml", "a.sh", "a.sh"),
            ("fleet.yaml", "./scripts/a.sh", "scripts/a.sh"),
            ("/etc/pitcrew/fleet.yaml", "a.sh", "/etc/pitcrew/a.sh"),
            ("/etc/pitcrew/fleet.yaml", "../a.sh", "/etc/a.sh"),
            ("dir/fleet.yaml", "../../a.sh", "../a.sh"),
            ("dir/fleet.yaml", "/a.sh", "/a.sh"),
            ("<stdin>", "a.sh", "a.sh"),
        ] {
            assert_eq!(beside(fleet_file, path), expected, "{path} in {fleet_file}");
        }
        let attached = Attached::new([("./dir//a.sh", "true")]);
        assert_eq!(attached.text("dir/f.yaml", "a.sh").0, Some("true"));
        assert_eq!(attached.text("f.yaml", "a.sh").0, None);
        assert_eq!(attached.into_wanted().0.len(), 2);
    }
}
