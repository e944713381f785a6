//! A group of computers: by list, or by a query over what is known of each.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::query::Query;

/// A group of computers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its name, unique in the installation.
    pub name: String,
    /// What it is for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who is in it.
    pub members: Members,
}

/// Who is in a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Members {
    /// Those who are named.
    Listed(Listed),
    /// Those of whom this holds.
    Query(Query),
}

/// The members of a group that are named.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Listed {
    /// Computers.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub computers: BTreeSet<ComputerName>,
    /// All members of these groups.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
}

/// The name of a computer with that of its tenant: `acme/reception`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ComputerName {
    /// The tenant.
    pub tenant: String,
    /// The computer.
    pub name: String,
}

/// What should name a computer does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" does not name a computer: TENANT/COMPUTER is expected")]
pub struct NotAComputerName(String);

impl Group {
    /// The groups that it refers to.
    pub fn refers_to(&self) -> BTreeSet<&str> {
        match &self.members {
            Members::Listed(listed) => listed.groups.iter().map(String::as_str).collect(),
            Members::Query(query) => query.groups(),
        }
    }

    /// The software that it asks for, in small letters.
    pub fn software(&self) -> BTreeSet<&str> {
        match &self.members {
            Members::Listed(_) => BTreeSet::new(),
            Members::Query(query) => query.software(),
        }
    }
}

impl fmt::Display for ComputerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.name)
    }
}

impl FromStr for ComputerName {
    type Err = NotAComputerName;

    fn from_str(text: &str) -> Result<Self, NotAComputerName> {
        match text.split_once('/') {
            Some((tenant, name)) if !tenant.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(ComputerName { tenant: tenant.to_owned(), name: name.to_owned() })
            }
            _ => Err(NotAComputerName(text.to_owned())),
        }
    }
}

impl TryFrom<String> for ComputerName {
    type Error = NotAComputerName;

    fn try_from(text: String) -> Result<Self, NotAComputerName> {
        text.parse()
    }
}

impl From<ComputerName> for String {
    fn from(name: ComputerName) -> String {
        name.to_string()
    }
}
