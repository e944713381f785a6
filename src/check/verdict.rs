//! What a check has found.

use std::fmt;

use serde::Serialize;

use crate::store::check::Breach;

/// Something that must hold and did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// What must hold, as a name.
    pub invariant: &'static str,
    /// What it concerns, such as `session 17`.
    pub subject: String,
    /// What was found.
    pub evidence: String,
}

/// What a check has looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Journals that were read.
    pub journals: usize,
    /// Runs that the journals speak of.
    pub runs: usize,
    /// Everything that did not hold.
    pub violations: Vec<Violation>,
}

impl Verdict {
    /// True if everything held.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }
}

impl From<Breach> for Violation {
    fn from(Breach { invariant, subject, evidence }: Breach) -> Violation {
        Violation { invariant, subject, evidence }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.invariant, self.subject, self.evidence)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for violation in &self.violations {
            writeln!(f, "{violation}")?;
        }
        let journals = format!("{} journals with {} runs", self.journals, self.runs);
        match self.violations.len() {
            0 => write!(f, "Everything that must hold held, in the database and in {journals}."),
            many => write!(f, "{many} violations, in the database and in {journals}."),
        }
    }
}
