//! A computer before the policy: in which targets and groups it is.
//!
//! The one place where that is decided, for sessions, previews and explanations alike. Each group is looked at once for a
//! computer, however many deployments and other groups refer to it.

use std::cell::RefCell;

use crate::domain::query::{Query, View};
use crate::domain::{Bearer, Computer, Group, Members, Policy, Target, Tenant, Truth};

/// A computer before the policy.
#[derive(Debug)]
pub struct Subject<'a> {
    policy: &'a Policy,
    computer: &'a Computer,
    /// Its tenant and those above, the nearest first.
    lineage: Vec<&'a Tenant>,
    /// What is known already of each group, by place.
    groups: RefCell<Vec<Option<Truth>>>,
}

impl<'a> Subject<'a> {
    /// A computer of which nothing was asked yet.
    pub fn new(policy: &'a Policy, computer: &'a Computer) -> Subject<'a> {
        let lineage = policy.lineage(computer.tenant);
        Subject { policy, computer, lineage, groups: RefCell::new(vec![None; policy.groups().len()]) }
    }

    /// The computer.
    pub fn computer(&self) -> &'a Computer {
        self.computer
    }

    /// True if its tenant takes nothing that is for all tenants.
    pub(super) fn stands_apart(&self) -> bool {
        self.lineage.first().is_some_and(|tenant| !tenant.cross_tenant)
    }

    /// Whether it is in a group. In one that does not exist nobody is.
    pub fn is_in(&self, group: &str) -> Truth {
        let Some((place, group)) = self.policy.group(group) else { return Truth::No };
        if let Some(known) = self.groups.borrow()[place] {
            return known;
        }
        // A group that comes back to itself, which no fleet file may have, adds nobody to itself.
        self.groups.borrow_mut()[place] = Some(Truth::No);
        let truth = self.belongs_to(group);
        self.groups.borrow_mut()[place] = Some(truth);
        truth
    }

    fn belongs_to(&self, group: &Group) -> Truth {
        match &group.members {
            Members::Listed(listed) => {
                let own = self.tenant();
                let named =
                    listed.computers.iter().any(|one| one.name == self.computer.name && own == Some(&one.tenant));
                listed.groups.iter().fold(Truth::from(named), |so_far, group| match so_far {
                    Truth::Yes => Truth::Yes,
                    Truth::No | Truth::Unknown => so_far.or(self.is_in(group)),
                })
            }
            Members::Query(query) => self.answers(query),
            Members::Script(filter) => filter.holds(self.computer.answers.get(&group.name), self.computer.os),
        }
    }

    /// Whether a query holds of it.
    pub fn answers(&self, query: &Query) -> Truth {
        let is_in = |group: &str| self.is_in(group);
        query.holds(&View { computer: self.computer, tenants: &self.lineage, is_in: &is_in })
    }

    /// Whether it is in a target.
    pub fn meets(&self, target: &Target) -> Truth {
        let within = |tenant: &Option<String>| tenant.as_deref().is_none_or(|tenant| self.tenant() == Some(tenant));
        match target {
            Target::Everyone => Truth::Yes,
            Target::Tenant { name, propagate } => {
                Truth::from(self.distance(name).is_some_and(|above| above == 0 || *propagate))
            }
            Target::Tag { name, tenant, on } => Truth::from(within(tenant) && self.bears(name, *on)),
            Target::Group { name, tenant } if within(tenant) => self.is_in(name),
            Target::Group { .. } => Truth::No,
            Target::Person { tenant, name } => {
                let uses = self.computer.person.as_ref().is_some_and(|person| person.name == *name);
                Truth::from(uses && self.tenant() == Some(tenant))
            }
            Target::Computer { tenant, name } => {
                Truth::from(self.computer.name == *name && self.tenant() == Some(tenant))
            }
        }
    }

    /// How narrowly a target contains it, the narrowest being the least; none if it is not known to.
    pub(super) fn narrowness(&self, target: &Target) -> Option<(u8, usize)> {
        self.meets(target).is_yes().then(|| match target {
            Target::Computer { .. } => (0, 0),
            Target::Person { .. } => (1, 0),
            Target::Tag { tenant: Some(_), .. } | Target::Group { tenant: Some(_), .. } => (2, 0),
            Target::Tenant { name, .. } => match self.distance(name) {
                None | Some(0) => (3, 0),
                Some(above) => (4, above),
            },
            Target::Tag { tenant: None, .. } | Target::Group { tenant: None, .. } => (5, 0),
            Target::Everyone => (6, 0),
        })
    }

    /// The name of its tenant.
    fn tenant(&self) -> Option<&str> {
        self.lineage.first().map(|tenant| tenant.name.as_str())
    }

    /// How far above it a tenant is; its own is at 0.
    fn distance(&self, tenant: &str) -> Option<usize> {
        self.lineage.iter().position(|one| one.name == tenant)
    }

    fn bears(&self, tag: &str, on: Option<Bearer>) -> bool {
        let computer = || self.computer.tags.contains(tag);
        let tenant = || self.lineage.first().is_some_and(|tenant| tenant.tags.contains(tag));
        let person = || self.computer.person.as_ref().is_some_and(|person| person.tags.contains(tag));
        match on {
            None => computer() || tenant() || person(),
            Some(Bearer::Computer) => computer(),
            Some(Bearer::Tenant) => tenant(),
            Some(Bearer::Person) => person(),
        }
    }
}
