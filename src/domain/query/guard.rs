//! What a computer must have for a query to hold of it, so that most computers never meet most queries.

use super::ast::{Expr, Literal, Operator, Query, Term};
use super::names::{Field, Set};

/// By what a query can be found; the narrower first. Each is always known of a computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::domain) enum Slot {
    Name,
    Person,
    Tag,
    PersonTag,
    Tenant,
    TenantTag,
    Above,
    Arch,
    Os,
}

/// A value without which a query does not hold.
pub(in crate::domain) type Guard<'q> = (Slot, &'q str);

impl Query {
    /// The narrowest value without which it does not hold; none if it may hold of any computer.
    pub(in crate::domain) fn guard(&self) -> Option<Guard<'_>> {
        guard(&self.0)
    }
}

fn guard(expr: &Expr) -> Option<Guard<'_>> {
    match expr {
        Expr::All(parts) => parts.iter().filter_map(guard).min(),
        Expr::Compare(Term::Field(field), Operator::Equal, Literal::Text(value)) => {
            let slot = match field {
                Field::Name => Slot::Name,
                Field::Person => Slot::Person,
                Field::Tenant => Slot::Tenant,
                Field::Arch => Slot::Arch,
                Field::Os => Slot::Os,
                _ => return None,
            };
            Some((slot, value))
        }
        Expr::Has(set, member) => {
            let slot = match set {
                Set::Tags => Slot::Tag,
                Set::PersonTags => Slot::PersonTag,
                Set::TenantTags => Slot::TenantTag,
                Set::Tenants => Slot::Above,
                Set::Groups => return None,
            };
            Some((slot, member))
        }
        Expr::Any(_) | Expr::Not(_) | Expr::Is(_) | Expr::Compare(..) | Expr::OneOf(..) => None,
    }
}
