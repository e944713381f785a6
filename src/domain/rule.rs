//! Rules of a software about others: if any or all of these are installed, or not, then those are installed, removed,
//! or the software cannot be had.

use serde::{Deserialize, Serialize};

use super::words::words;

/// A condition on what is installed, and what follows from it for the software that has the rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Whether it takes one of the software or all of them.
    pub of: Quantifier,
    /// The software that the condition is about.
    pub software: Vec<String>,
    /// How they must be for the rule to hold.
    pub are: Presence,
    /// What follows.
    pub then: Consequence,
}

words! {
    /// How many of several.
    Quantifier {
        /// At least one.
        Any = "any",
        /// Each.
        All = "all",
    }
}

words! {
    /// Whether a software is there.
    Presence {
        /// In any version.
        Installed = "installed",
        /// In none.
        Absent = "absent",
    }
}

/// What follows from a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// These are installed before.
    Install(Vec<String>),
    /// These are removed before.
    Uninstall(Vec<String>),
    /// It fails, and this is said.
    Fail(String),
}

impl Rule {
    /// Whether the condition holds, by a function that says which software is installed.
    pub fn holds(&self, is_installed: impl Fn(&str) -> bool) -> bool {
        let mut fits = self.software.iter().map(|name| is_installed(name) == (self.are == Presence::Installed));
        match self.of {
            Quantifier::Any => fits.any(|fits| fits),
            Quantifier::All => fits.all(|fits| fits),
        }
    }

    /// Every software that it names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let acted_on = match &self.then {
            Consequence::Install(names) | Consequence::Uninstall(names) => names.as_slice(),
            Consequence::Fail(_) => &[],
        };
        self.software.iter().chain(acted_on).map(String::as_str)
    }
}
