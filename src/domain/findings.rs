//! What detection has found on a computer.
//!
//! Stored with the session, so it is kept small: an item that is in order costs its name and a word.

use std::collections::BTreeMap;

use pitcrew_protocol::{Child, Signature};
use serde::{Deserialize, Serialize};

use super::item::Item;
use super::script::Sha256Hash;

/// What detection has found on one computer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Findings {
    /// The version of the policy by which was looked.
    pub policy_version: i64,
    /// What was found of each item that was looked for.
    pub items: BTreeMap<Item, Finding>,
    /// What the tests of tasks that are not satisfied have named as missing, one by one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub children: BTreeMap<Item, Vec<Child>>,
    /// The versions that the scripts of software have answered there are, by the name of the software.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<String, Vec<AnsweredVersion>>,
    /// Why the scripts of software have not answered which versions there are, in a clause, by the name of the software.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unanswered: BTreeMap<String, String>,
    /// What is installed, if it was asked for, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Vec<Package>>,
}

/// A version that can be installed on the computer, as a script has answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweredVersion {
    /// The version.
    pub version: String,
    /// Where its file is fetched, or what the script is told that fetches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The SHA-256 of its file; none if it has no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Hash>,
    /// The size of its file in bytes, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The signature of its file, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// What a computer has, as an inventory that was taken whole says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Facts, by name.
    pub facts: BTreeMap<String, String>,
    /// The versions of what is installed, by name in small letters.
    pub software: BTreeMap<String, Vec<String>>,
}

/// What was found of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A software that is not installed.
    Absent,
    /// A software that is installed.
    Present(String),
    /// A software that is installed in this version and fails its own test.
    Broken(String),
    /// A task: is it satisfied?
    Satisfied(bool),
    /// The value of a task that is monitored.
    Value(String),
    /// It could not be found out.
    Failed {
        /// The step's failure code; see [`pitcrew_protocol::StepStatus`].
        code: String,
        /// Why, in a sentence.
        message: String,
    },
}

impl Finding {
    /// The version that is installed.
    pub fn version(&self) -> Option<&str> {
        match self {
            Finding::Present(version) | Finding::Broken(version) => Some(version),
            Finding::Absent | Finding::Satisfied(_) | Finding::Value(_) | Finding::Failed { .. } => None,
        }
    }
}

/// Something that is installed, as a package manager names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who says so: `dpkg`, `rpm`, `brew`, `winget` …
    pub source: String,
}
