//! The answer of a query for one computer.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::ast::{Expr, Literal, Operator, Query, Term};
use super::names::{Field, Kind, Set};
use crate::domain::version::{Scheme, Version};
use crate::domain::{Computer, Tenant, Truth};

/// What a query can see.
pub struct View<'a> {
    /// The computer.
    pub computer: &'a Computer,
    /// Its tenant and those above, the nearest first.
    pub tenants: &'a [&'a Tenant],
    /// Whether it is in a group.
    pub is_in: &'a dyn Fn(&str) -> Truth,
}

impl Query {
    /// Whether it holds of a computer.
    pub fn holds(&self, view: &View<'_>) -> Truth {
        view.expr(&self.0)
    }
}

impl View<'_> {
    fn expr(&self, expr: &Expr) -> Truth {
        match expr {
            Expr::All(parts) => {
                let mut all = Truth::Yes;
                for part in parts {
                    all = all.and(self.expr(part));
                    if all == Truth::No {
                        break;
                    }
                }
                all
            }
            Expr::Any(parts) => {
                let mut any = Truth::No;
                for part in parts {
                    any = any.or(self.expr(part));
                    if any == Truth::Yes {
                        break;
                    }
                }
                any
            }
            Expr::Not(part) => !self.expr(part),
            Expr::Is(Term::Software(name)) => match &self.computer.software {
                Some(software) => Truth::from(software.get(name).is_some_and(|versions| !versions.is_empty())),
                None => Truth::Unknown,
            },
            Expr::Is(term) => known(self.text(term).and_then(|text| text.parse().ok())),
            Expr::Compare(term, operator, value) => self.compare(term, *operator, value),
            Expr::OneOf(term, values) => {
                values.iter().fold(Truth::No, |so_far, value| so_far.or(self.compare(term, Operator::Equal, value)))
            }
            Expr::Has(set, member) => self.has(*set, member),
        }
    }

    fn has(&self, set: Set, member: &str) -> Truth {
        match set {
            Set::Tags => Truth::from(self.computer.tags.contains(member)),
            Set::TenantTags => Truth::from(self.tenants.first().is_some_and(|tenant| tenant.tags.contains(member))),
            Set::PersonTags => {
                Truth::from(self.computer.person.as_ref().is_some_and(|person| person.tags.contains(member)))
            }
            Set::Tenants => Truth::from(self.tenants.iter().any(|tenant| tenant.name == member)),
            Set::Groups => (self.is_in)(member),
        }
    }

    fn compare(&self, term: &Term, operator: Operator, value: &Literal) -> Truth {
        if let Term::Software(name) = term {
            let Some(software) = &self.computer.software else { return Truth::Unknown };
            let versions = software.get(name).map(Vec::as_slice).unwrap_or_default();
            let compared = versions.iter().map(|version| compare(Kind::Version, version, operator, value));
            return compared.max().unwrap_or(Truth::No);
        }
        match self.text(term) {
            Some(text) => compare(term.kind(), &text, operator, value),
            None => Truth::Unknown,
        }
    }

    /// What is known, as text; none if it is not.
    fn text(&self, term: &Term) -> Option<Cow<'_, str>> {
        let computer = self.computer;
        let name = match term {
            Term::Field(Field::Name) => return Some(Cow::from(&computer.name)),
            Term::Field(Field::Tenant) => return self.tenants.first().map(|tenant| Cow::from(&tenant.name)),
            Term::Field(Field::Os) => return Some(Cow::from(computer.os.as_str())),
            Term::Field(Field::Arch) => return Some(Cow::from(&computer.arch)),
            Term::Field(Field::Device) => return computer.device().map(|device| Cow::from(device.as_str())),
            Term::Field(Field::Person) => {
                return Some(computer.person.as_ref().map_or(Cow::from(""), |person| Cow::from(&person.name)));
            }
            Term::Field(Field::Excluded) => return Some(Cow::from(computer.excluded.to_string())),
            Term::Field(fact) => fact.as_str(),
            Term::Fact(name) => name,
            Term::Software(_) => return None,
        };
        match computer.facts.get(name)? {
            serde_json::Value::String(text) => Some(Cow::from(text)),
            serde_json::Value::Null => None,
            other => Some(Cow::from(other.to_string())),
        }
    }
}

/// Compares what is known with what is written, as values of the kind; not known if it is not of that kind.
fn compare(kind: Kind, text: &str, operator: Operator, value: &Literal) -> Truth {
    match (kind, operator, value) {
        (_, Operator::Matches, Literal::Text(pattern)) => Truth::from(matches(pattern, text)),
        (Kind::Number | Kind::Any, _, Literal::Number(number)) => {
            let known = text.trim().parse::<f64>().ok();
            ordered(known.and_then(|known| known.partial_cmp(number)), operator)
        }
        (Kind::Flag | Kind::Any, _, Literal::Flag(flag)) => {
            ordered(text.trim().parse::<bool>().ok().map(|known| known.cmp(flag)), operator)
        }
        (Kind::Text, _, Literal::Text(wanted)) => ordered(Some(text.cmp(wanted)), operator),
        (Kind::Any, Operator::Equal | Operator::NotEqual, Literal::Text(wanted)) => {
            ordered(Some(text.cmp(wanted)), operator)
        }
        (Kind::Version | Kind::Any, _, Literal::Text(wanted)) => {
            let read = |text| Version::parse(Scheme::Loose, text);
            ordered(read(text).zip(read(wanted)).map(|(known, wanted)| known.cmp(&wanted)), operator)
        }
        // What is compared with a value of another kind is refused when a query is read.
        (Kind::Text | Kind::Number | Kind::Version | Kind::Flag, _, _) => Truth::Unknown,
    }
}

fn ordered(order: Option<Ordering>, operator: Operator) -> Truth {
    known(order.map(|order| match operator {
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        Operator::Matches => false,
    }))
}

fn known(holds: Option<bool>) -> Truth {
    holds.map_or(Truth::Unknown, Truth::from)
}

/// Whether a text is of a pattern's form; `*` stands for any letters, `?` for one, and case does not count.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let (mut p, mut t) = (0, 0);
    // Where the last `*` is, and how much of the text it stands for so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match (pattern.get(p), star) {
            (Some('*'), _) => {
                star = Some((p, t));
                p += 1;
            }
            (Some(letter), _) if *letter == '?' || *letter == text[t] => {
                p += 1;
                t += 1;
            }
            (_, Some((at, upto))) => {
                star = Some((at, upto + 1));
                p = at + 1;
                t = upto + 1;
            }
            (_, None) => return false,
        }
    }
    pattern[p..].iter().all(|letter| *letter == '*')
}
