//! A group of computers: by list, or by a query over what is known of each.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::computer::{Os, ScriptAnswer};
use super::query::Query;
use super::script::ScriptUse;
use super::truth::Truth;

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
    /// Those on which a script says yes.
    Script(Filter),
}

/// A script that says whether the computer on which it runs is a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The script. It only reads, and prints `true` or `false`.
    pub script: ScriptUse,
    /// Only computers with these operating systems are asked, and can be members; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub os: Vec<Os>,
    /// An answer that is older is asked for again by the next session that looks at the computer, in seconds.
    pub ask_every_s: u64,
    /// An answer that is older counts for nothing, in seconds.
    pub valid_s: u64,
}

impl Filter {
    /// True if computers with this operating system are asked.
    pub fn is_for(&self, os: Os) -> bool {
        self.os.is_empty() || self.os.contains(&os)
    }

    /// Whether a computer is a member by what the script has said last. What another script has said, what is too old, and
    /// nothing leave it unknown; to have been asked in vain since does not.
    pub fn holds(&self, answer: Option<&ScriptAnswer>, os: Os) -> Truth {
        if !self.is_for(os) {
            return Truth::No;
        }
        match self.of_this_script(answer, os) {
            Some(answer) if answer.age_s <= self.valid_s => answer.answered.holds.map_or(Truth::Unknown, Truth::from),
            Some(_) | None => Truth::Unknown,
        }
    }

    /// True if it is to be asked again.
    pub fn is_due(&self, answer: Option<&ScriptAnswer>, os: Os) -> bool {
        self.of_this_script(answer, os)
            .is_none_or(|answer| answer.answered.holds.is_none() || answer.age_s > self.ask_every_s.min(self.valid_s))
    }

    fn of_this_script<'a>(&self, answer: Option<&'a ScriptAnswer>, os: Os) -> Option<&'a ScriptAnswer> {
        answer.filter(|answer| answer.answered.script == self.script.on(os).hash)
    }
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
            Members::Script(_) => BTreeSet::new(),
        }
    }

    /// The software that it asks for, in small letters.
    pub fn software(&self) -> BTreeSet<&str> {
        match &self.members {
            Members::Listed(_) | Members::Script(_) => BTreeSet::new(),
            Members::Query(query) => query.software(),
        }
    }

    /// The script that says who is in it, if one does.
    pub fn filter(&self) -> Option<&Filter> {
        match &self.members {
            Members::Script(filter) => Some(filter),
            Members::Listed(_) | Members::Query(_) => None,
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
