//! A query as text. Reading it again gives the same query.

use std::fmt::{self, Display, Formatter};

use super::ast::{Expr, Literal, Operator, Query, Term};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Query> for String {
    fn from(query: Query) -> String {
        query.to_string()
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::All(parts) => joined(f, parts, " and ", |part| matches!(part, Expr::All(_) | Expr::Any(_))),
            Expr::Any(parts) => joined(f, parts, " or ", |part| matches!(part, Expr::Any(_))),
            Expr::Not(part) => {
                f.write_str("not ")?;
                inside(f, part, matches!(**part, Expr::All(_) | Expr::Any(_)))
            }
            Expr::Is(term) => term.fmt(f),
            Expr::Compare(term, operator, value) => write!(f, "{term} {operator} {value}"),
            Expr::OneOf(term, values) => {
                write!(f, "{term} in [")?;
                for (place, value) in values.iter().enumerate() {
                    if place > 0 {
                        f.write_str(", ")?;
                    }
                    value.fmt(f)?;
                }
                f.write_str("]")
            }
            Expr::Has(set, member) => {
                quoted(f, member)?;
                write!(f, " in {set}")
            }
        }
    }
}

fn joined(f: &mut Formatter<'_>, parts: &[Expr], word: &str, apart: impl Fn(&Expr) -> bool) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(word)?;
        }
        inside(f, part, apart(part))?;
    }
    Ok(())
}

fn inside(f: &mut Formatter<'_>, part: &Expr, apart: bool) -> fmt::Result {
    if apart { write!(f, "({part})") } else { part.fmt(f) }
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let called = |f: &mut Formatter<'_>, word: &str, name: &str| {
            write!(f, "{word}(")?;
            quoted(f, name)?;
            f.write_str(")")
        };
        match self {
            Term::Field(field) => field.fmt(f),
            Term::Fact(name) => called(f, "fact", name),
            Term::Software(name) => called(f, "software", name),
        }
    }
}

impl Operator {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::Matches => "matches",
        }
    }
}

impl Display for Operator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Text(text) => quoted(f, text),
            Literal::Number(number) => number.fmt(f),
            Literal::Flag(flag) => flag.fmt(f),
        }
    }
}
