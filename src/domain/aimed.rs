//! Deployments by where they aim, so that a computer meets only those that may be for it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::computer::Computer;
use super::deployment::{Deployment, Target};
use super::group::{ComputerName, Group, Members};
use super::tenant::Tenant;

/// Places in the list of deployments, by what a computer must have to be among their targets.
#[derive(Debug, Default)]
pub(super) struct Aimed {
    everyone: Vec<usize>,
    tenant: HashMap<String, Vec<usize>>,
    tag: HashMap<String, Vec<usize>>,
    computer: HashMap<ComputerName, Vec<usize>>,
    person: HashMap<(String, String), Vec<usize>>,
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
            Members::Listed(_) => self.everyone.push(place),
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
            .copied()
            .collect()
    }
}
