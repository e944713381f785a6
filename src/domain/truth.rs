//! Yes, no, or not known: what can be said of a computer whose inventory was perhaps never taken.
//!
//! Not knowing is kept apart from no, so that `not software("backup")` does not hold of a computer nobody has looked at.

/// The answer to a question about a computer. In the order of what is more true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// It does not hold.
    No,
    /// Something that it rests on is not known.
    Unknown,
    /// It holds.
    Yes,
}

impl Truth {
    /// Both hold.
    pub fn and(self, other: Truth) -> Truth {
        self.min(other)
    }

    /// At least one holds.
    pub fn or(self, other: Truth) -> Truth {
        self.max(other)
    }

    /// True if it is known to hold.
    pub fn is_yes(self) -> bool {
        self == Truth::Yes
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
            Truth::Yes => Truth::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Truth {
        if holds { Truth::Yes } else { Truth::No }
    }
}
