//! What is stored already and may be referred to by fleet files.

use std::collections::BTreeSet;

use deadpool_postgres::Transaction;

use crate::domain::{Group, Members, Software, Target, Task};
use crate::fleet::{Body, FleetFile, Known};
use crate::store::Error;
use crate::store::error::Doing;

/// What is stored already and may be referred to.
pub(super) async fn known(tx: &Transaction<'_>, fleet: &FleetFile) -> Result<Known, Error> {
    let doing = "reading what is stored already";
    let tenants = "SELECT t.name, p.name AS parent FROM tenant t LEFT JOIN tenant p ON p.id = t.parent_id";
    let tenants = tx.query(tenants, &[]).await.doing(doing)?;
    let software = tx.query("SELECT name, body FROM software", &[]).await.doing(doing)?;
    let tasks = tx.query("SELECT name, body FROM task", &[]).await.doing(doing)?;
    let groups = tx.query("SELECT name, body FROM computer_group", &[]).await.doing(doing)?;
    let deployments = tx.query(crate::store::policy::DEPLOYMENTS, &[]).await.doing(doing)?;
    let named = Named::in_files(fleet);
    let computers = "SELECT t.name AS tenant, c.name
                     FROM unnest($1::text[], $2::text[]) AS w (tenant, name)
                     JOIN tenant t ON t.name = w.tenant
                     JOIN computer c ON c.tenant_id = t.id AND c.name = w.name";
    let (tenants_of, names): (Vec<_>, Vec<_>) = named.computers.into_iter().unzip();
    let computers = tx.query(computers, &[&tenants_of, &names]).await.doing(doing)?;
    let persons = "SELECT t.name AS tenant, p.name
                   FROM unnest($1::text[], $2::text[]) AS w (tenant, name)
                   JOIN tenant t ON t.name = w.tenant
                   JOIN person p ON p.tenant_id = t.id AND p.name = w.name";
    let (tenants_of, names): (Vec<_>, Vec<_>) = named.persons.into_iter().unzip();
    let persons = tx.query(persons, &[&tenants_of, &names]).await.doing(doing)?;
    Ok(Known {
        tenants: tenants.iter().map(|row| (row.get("name"), row.get("parent"))).collect(),
        computers: computers.iter().map(|row| (row.get("tenant"), row.get("name"))).collect(),
        persons: persons.iter().map(|row| (row.get("tenant"), row.get("name"))).collect(),
        deployments: deployments.iter().map(crate::store::policy::deployment).collect::<Result<_, _>>()?,
        groups: crate::store::policy::bodies::<Group>(&groups, "group")?
            .into_iter()
            .map(|group| (group.name.clone(), group))
            .collect(),
        software: crate::store::policy::bodies::<Software>(&software, "software")?
            .into_iter()
            .map(|software| (software.name.clone(), software))
            .collect(),
        tasks: crate::store::policy::bodies::<Task>(&tasks, "task")?
            .into_iter()
            .map(|task| (task.name.clone(), task))
            .collect(),
    })
}

/// The computers and persons that files refer to, by tenant and name.
#[derive(Default)]
struct Named<'a> {
    computers: BTreeSet<(&'a str, &'a str)>,
    persons: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Named<'a> {
    fn in_files(fleet: &'a FleetFile) -> Named<'a> {
        let mut named = Named::default();
        for document in &fleet.documents {
            match &document.body {
                Body::Deployment(deployment) => {
                    for target in std::iter::once(&deployment.target).chain(&deployment.exclude) {
                        named.add(target);
                    }
                }
                Body::Group(group) => match &group.members {
                    Members::Listed(listed) => {
                        let computers = listed.computers.iter();
                        named.computers.extend(computers.map(|one| (one.tenant.as_str(), one.name.as_str())));
                    }
                    Members::Query(_) | Members::Script(_) => {}
                },
                Body::Computer(computer) => {
                    named.persons.extend(computer.person.as_deref().map(|person| (computer.tenant.as_str(), person)));
                }
                Body::Tenant(_)
                | Body::Person(_)
                | Body::Software(_)
                | Body::Task(_)
                | Body::Order(_)
                | Body::Licence(_) => {}
            }
        }
        named
    }

    fn add(&mut self, target: &'a Target) {
        match target {
            Target::Computer { tenant, name } => {
                self.computers.insert((tenant, name));
            }
            Target::Person { tenant, name } => {
                self.persons.insert((tenant, name));
            }
            Target::Everyone | Target::Tenant { .. } | Target::Tag { .. } | Target::Group { .. } => {}
        }
    }
}
