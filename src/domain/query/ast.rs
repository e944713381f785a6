//! A query as a value.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::names::{Field, Kind, Set};

/// Who is in a group. Written and stored as text; two that are written with other blanks are equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Query(pub Expr);

/// What holds of a computer or does not.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// All of these; at least two.
    All(Vec<Expr>),
    /// At least one of these; at least two.
    Any(Vec<Expr>),
    /// The contrary.
    Not(Box<Expr>),
    /// A fact that is true or false, or a software that is installed.
    Is(Term),
    /// A value compares in this way.
    Compare(Term, Operator, Literal),
    /// A value equals one of these.
    OneOf(Term, Vec<Literal>),
    /// A set has this member.
    Has(Set, String),
}

/// A value of a computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// One with a name of its own.
    Field(Field),
    /// Any fact, by name.
    Fact(String),
    /// The version of an installed software, by its name in small letters.
    Software(String),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `matches`
    Matches,
}

/// A value that is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// In quotes.
    Text(String),
    /// A finite number.
    Number(f64),
    /// `true` or `false`.
    Flag(bool),
}

impl Term {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Term::Field(field) => field.kind(),
            Term::Fact(_) => Kind::Any,
            Term::Software(_) => Kind::Version,
        }
    }
}

impl Query {
    /// The groups that it asks about.
    pub fn groups(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        self.0.each(&mut |expr| {
            if let Expr::Has(Set::Groups, group) = expr {
                found.insert(group.as_str());
            }
        });
        found
    }

    /// The software that it asks about, in small letters.
    pub fn software(&self) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        self.0.each(&mut |expr| {
            if let Expr::Is(Term::Software(name))
            | Expr::Compare(Term::Software(name), ..)
            | Expr::OneOf(Term::Software(name), _) = expr
            {
                found.insert(name.as_str());
            }
        });
        found
    }
}

impl Expr {
    /// Looks at this and at everything in it.
    fn each<'e>(&'e self, look: &mut impl FnMut(&'e Expr)) {
        look(self);
        match self {
            Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| part.each(look)),
            Expr::Not(part) => part.each(look),
            Expr::Is(_) | Expr::Compare(..) | Expr::OneOf(..) | Expr::Has(..) => {}
        }
    }
}
