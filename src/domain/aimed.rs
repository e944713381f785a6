//! Deployments by where they aim, so that a computer meets only those that may be for it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::computer::Computer;
use super::deployment::{Deployment, Target};
use super::group::{ComputerName, Group, Members};
use super::query::Slot;
use super::tenant::Tenant;

/// Places in the list of deployments, by what a computer must have to be among their targets.
#[derive(Debug, Clone, Default)]
pub(super) struct Aimed {
    everyone: Vec<usize>,
    tenant: HashMap<String, Vec<usize>>,
    tag: HashMap<String, Vec<usize>>,
    computer: HashMap<ComputerName, Vec<usize>>,
    person: HashMap<(String, String), Vec<usize>>,
    /// Groups that only hold computers with a certain value.
    query: HashMap<Slot, HashMap<String, Vec<usize>>>,
}

impl Aimed {
    /// The index of these deployments; `group` finds a group by its name.
    pub(super) fn of<'g>(deployments: &[Arc<Deployment>], group: impl Fn(&str) -> Option<&'g Group>) -> Aimed {
        let mut aimed = Aimed::default();
        for (place, deployment) in deployments.iter().enumerate() {
            match &deployment.target {
                Target::Everyone => aimed.everyone.push(place),
                Target::Tenant { name, .. } => aimed.tenant.entry(name.clone()).or_default().push(place),
                Target::Tag { name, .. } => aimed.tag.entry(name.clone()).or_default().push(place),
                Target::Person { tenant, name } => {
                    aimed.person.entry((tenant.clone(), name.clone())).or_default().push(place);
                }
                Target::Computer { tenant, name } => {
                    let computer = ComputerName { tenant: tenant.clone(), name: name.clone() };
                    aimed.computer.entry(computer).or_default().push(place);
                }
                Target::Group { name, .. } => {
                    if let Some(group) = group(name) {
                        aimed.at_group(group, place);
                    }
                }
            }
        }
        aimed
    }

    fn at_group(&mut self, group: &Group, place: usize) {
        match &group.members {
            Members::Listed(listed) if listed.groups.is_empty() => {
                for computer in &listed.computers {
                    self.computer.entry(computer.clone()).or_default().push(place);
                }
            }
            Members::Listed(_) | Members::Script(_) => self.everyone.push(place),
            Members::Query(query) => match query.guard() {
                Some((slot, value)) => {
                    self.query.entry(slot).or_default().entry(value.to_owned()).or_default().push(place);
                }
                None => self.everyone.push(place),
            },
        }
    }

    /// The places of those that may be for a computer, in order.
    pub(super) fn at(&self, computer: &Computer, lineage: &[&Tenant]) -> BTreeSet<usize> {
        let own = lineage.first();
        let name = ComputerName {
            tenant: own.map(|tenant| tenant.name.clone()).unwrap_or_default(),
            name: computer.name.clone(),
        };
        let person = computer.person.as_ref().map(|person| (name.tenant.clone(), person.name.clone()));
        let tags = (computer.tags.iter())
            .chain(own.into_iter().flat_map(|tenant| &tenant.tags))
            .chain(computer.person.iter().flat_map(|person| &person.tags));
        (self.everyone.iter())
            .chain(lineage.iter().filter_map(|tenant| self.tenant.get(&tenant.name)).flatten())
            .chain(tags.filter_map(|tag| self.tag.get(tag)).flatten())
            .chain(person.and_then(|person| self.person.get(&person)).into_iter().flatten())
            .chain(self.computer.get(&name).into_iter().flatten())
            .chain(self.query.iter().flat_map(|(slot, by_value)| {
                values(*slot, computer, lineage).filter_map(|value| by_value.get(value)).flatten()
            }))
            .copied()
            .collect()
    }
}

/// The values of a computer by which queries are found.
fn values<'a>(slot: Slot, computer: &'a Computer, lineage: &'a [&'a Tenant]) -> Box<dyn Iterator<Item = &'a str> + 'a> {
    let own = lineage.first().copied();
    let person = computer.person.as_ref();
    match slot {
        Slot::Name => Box::new(std::iter::once(computer.name.as_str())),
        Slot::Person => Box::new(std::iter::once(person.map_or("", |person| person.name.as_str()))),
        Slot::Tag => Box::new(computer.tags.iter().map(String::as_str)),
        Slot::PersonTag => Box::new(person.into_iter().flat_map(|person| &person.tags).map(String::as_str)),
        Slot::Tenant => Box::new(own.into_iter().map(|tenant| tenant.name.as_str())),
        Slot::TenantTag => Box::new(own.into_iter().flat_map(|tenant| &tenant.tags).map(String::as_str)),
        Slot::Above => Box::new(lineage.iter().map(|tenant| tenant.name.as_str())),
        Slot::Arch => Box::new(std::iter::once(computer.arch.as_str())),
        Slot::Os => Box::new(std::iter::once(computer.os.as_str())),
    }
}
