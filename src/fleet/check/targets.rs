//! Who gets what: whether targets, groups and computers refer to what there is, and say nothing that can never hold.

use std::collections::BTreeSet;

use crate::domain::{ComputerName, Deployment, Group, Members, Os, Target};
use crate::fleet::document::ComputerSpec;

use super::Checker;

impl Checker<'_> {
    pub(super) fn computer(&mut self, computer: &ComputerSpec) {
        self.refers_to_tenant("tenant", &computer.tenant);
        if let Some(person) = &computer.person {
            self.refers_to_person("person", &computer.tenant, person);
        }
    }

    pub(super) fn group(&mut self, group: &Group) {
        match &group.members {
            Members::Listed(listed) => {
                for computer in &listed.computers {
                    self.refers_to_computer(&format!("computers.{computer}"), computer);
                }
            }
            Members::Query(_) | Members::Script(_) => {}
        }
        for other in group.refers_to() {
            self.refers_to_group(&format!("groups.{other}"), other);
        }
        if let Some(around) = self.way_round(&group.name) {
            let place = around.get(1).map(|next| format!("groups.{next}")).unwrap_or_default();
            let message = format!("Groups go round in a circle: {}.", around.join(" refers to "));
            let fault = self.fault(&place, message).help("Take one of them out of another.");
            self.faults.push(fault);
        }
    }

    /// The way from a group back to itself, along the groups whose members each has.
    fn way_round(&self, group: &str) -> Option<Vec<String>> {
        let all = self.all;
        let mut ways = vec![vec![group]];
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop() {
            let next = way.last().and_then(|last| all.groups.get(*last)).map(Group::refers_to).unwrap_or_default();
            for name in next {
                let longer: Vec<&str> = way.iter().copied().chain([name]).collect();
                if name == group {
                    return Some(longer.into_iter().map(str::to_owned).collect());
                }
                if seen.insert(name) {
                    ways.push(longer);
                }
            }
        }
        None
    }

    /// The target of a deployment and what it makes exceptions of.
    pub(super) fn targets(&mut self, deployment: &Deployment) {
        self.target("target", &deployment.target);
        for (place, target) in deployment.exclude.iter().enumerate() {
            self.target(&format!("exclude.{place}"), target);
        }
        if self.document.faulty {
            return;
        }
        let (name, item) = (&deployment.name, &deployment.item);
        if let Some(place) =
            deployment.exclude.iter().position(|one| *one == deployment.target || *one == Target::Everyone)
        {
            let message = format!(
                "The deployment \"{name}\" of {item} is for {} and makes an exception of {}, so it is for nobody.",
                deployment.target, deployment.exclude[place]
            );
            let fault = self.fault(&format!("exclude.{place}"), message);
            self.faults.push(fault.help("Narrow the exception, or write disabled: true."));
        }
        let systems = self.systems_of(deployment);
        if !systems.is_empty() && !deployment.filter.os.is_empty() && deployment.filter.os.is_disjoint(&systems) {
            let words = |systems: &BTreeSet<Os>| systems.iter().map(|os| os.as_str()).collect::<Vec<_>>().join(", ");
            let message = format!(
                "The deployment \"{name}\" is only for {}, and {item} is for {}, so it is for nobody.",
                words(&deployment.filter.os),
                words(&systems)
            );
            let fault = self.fault("filter.os", message).help("Change the filter here or \"os\" at the item.");
            self.faults.push(fault);
        }
    }

    /// The operating systems that a deployment's item is for; empty means all.
    fn systems_of(&self, deployment: &Deployment) -> BTreeSet<Os> {
        let item = &deployment.item;
        let software = self.all.software.get(&item.name).map(|software| &software.os);
        let task = self.all.tasks.get(&item.name).map(|task| &task.os);
        let systems = match item.kind {
            crate::domain::ItemKind::Software => software,
            crate::domain::ItemKind::Task => task,
        };
        systems.into_iter().flatten().copied().collect()
    }

    fn target(&mut self, path: &str, target: &Target) {
        let tenant_at = format!("{path}.tenant");
        match target {
            Target::Everyone | Target::Tag { tenant: None, .. } => {}
            Target::Tenant { name, .. } | Target::Tag { tenant: Some(name), .. } => {
                self.refers_to_tenant(&tenant_at, name)
            }
            Target::Group { name, tenant } => {
                if let Some(tenant) = tenant {
                    self.refers_to_tenant(&tenant_at, tenant);
                }
                self.refers_to_group(&format!("{path}.group"), name);
            }
            Target::Person { tenant, name } => {
                self.refers_to_tenant(&tenant_at, tenant);
                self.refers_to_person(&format!("{path}.person"), tenant, name);
            }
            Target::Computer { tenant, name } => {
                self.refers_to_tenant(&tenant_at, tenant);
                let computer = ComputerName { tenant: tenant.clone(), name: name.clone() };
                if self.all.tenants.contains_key(tenant) {
                    self.refers_to_computer(&format!("{path}.computer"), &computer);
                }
            }
        }
    }

    fn refers_to_group(&mut self, path: &str, name: &str) {
        let all = self.all;
        if !all.groups.contains_key(name) {
            self.undefined(path, "group", name, all.groups.keys().map(String::as_str));
        }
    }

    /// A person of a tenant. Of a tenant that there is not, something was said already.
    fn refers_to_person(&mut self, path: &str, tenant: &str, name: &str) {
        let all = self.all;
        if all.tenants.contains_key(tenant) && !all.persons.contains(&(tenant.to_owned(), name.to_owned())) {
            let of_tenant = all.persons.iter().filter(|(other, _)| other == tenant);
            self.undefined(path, "person", name, of_tenant.map(|(_, name)| name.as_str()));
        }
    }

    fn refers_to_computer(&mut self, path: &str, computer: &ComputerName) {
        let all = self.all;
        let ComputerName { tenant, name } = computer;
        if !all.tenants.contains_key(tenant) {
            self.undefined(path, "tenant", tenant, all.tenants.keys().map(String::as_str));
        } else if !all.computers.contains(&(tenant.clone(), name.clone())) {
            let of_tenant = all.computers.iter().filter(|(other, _)| other == tenant);
            self.undefined(path, "computer", name, of_tenant.map(|(_, name)| name.as_str()));
        }
    }
}
