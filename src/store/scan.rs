//! Many computers as they are resolved, in the order of their ids: for previews and explanations of whole fleets.

use super::error::Doing;
use super::{Error, Store, rows};
use crate::domain::{Computer, ComputerId, Members, Policy, Target, TenantId};

/// The most computers that are read in one statement.
pub const CHUNK: usize = 5_000;

/// Which computers are read at all; what is absent does not narrow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Narrowing {
    /// Only of these tenants.
    pub tenants: Option<Vec<TenantId>>,
    /// Only of these names.
    pub names: Option<Vec<String>>,
    /// The software to read of inventories, in small letters.
    pub software: Vec<String>,
}

impl Narrowing {
    /// Leaves out computers that cannot be in a target.
    pub fn of_target(self, policy: &Policy, target: &Target) -> Narrowing {
        let of = |tenant: &str| policy.below(tenant);
        match target {
            Target::Tenant { name, .. } => self.of_tenants(of(name)),
            Target::Computer { tenant, name } => self.of_tenants(of(tenant)).of_names([name.clone()]),
            Target::Tag { tenant: Some(tenant), .. } | Target::Person { tenant, .. } => self.of_tenants(of(tenant)),
            Target::Group { name, tenant } => {
                let narrowed = match tenant {
                    Some(tenant) => self.of_tenants(of(tenant)),
                    None => self,
                };
                narrowed.of_group(policy, name)
            }
            Target::Tag { tenant: None, .. } | Target::Everyone => self,
        }
    }

    /// Leaves out computers that cannot be in a group.
    pub fn of_group(self, policy: &Policy, group: &str) -> Narrowing {
        match policy.group(group).map(|(_, group)| &group.members) {
            Some(Members::Listed(listed)) if listed.groups.is_empty() => {
                self.of_names(listed.computers.iter().map(|computer| computer.name.clone()))
            }
            Some(Members::Listed(_) | Members::Query(_) | Members::Script(_)) => self,
            None => self.of_names([]),
        }
    }

    /// Leaves out computers of other tenants.
    pub fn of_tenants(mut self, tenants: impl IntoIterator<Item = TenantId>) -> Narrowing {
        let tenants = tenants.into_iter();
        self.tenants = Some(match self.tenants {
            Some(before) => tenants.filter(|tenant| before.contains(tenant)).collect(),
            None => tenants.collect(),
        });
        self
    }

    fn of_names(mut self, names: impl IntoIterator<Item = String>) -> Narrowing {
        self.names = Some(names.into_iter().collect());
        self
    }
}

impl Store {
    /// The next computers after an id, at most so many.
    pub async fn scan_computers(
        &self,
        narrowing: &Narrowing,
        after: ComputerId,
        most: usize,
    ) -> Result<Vec<Computer>, Error> {
        let most = i64::try_from(most.min(CHUNK)).unwrap_or(i64::MAX);
        let client = self.client().await?;
        let sql = format!(
            "SELECT {} FROM {} WHERE c.id > $2 AND ($3::bigint[] IS NULL OR c.tenant_id = ANY($3))
               AND ($4::text[] IS NULL OR c.name = ANY($4)) ORDER BY c.id LIMIT $5",
            rows::COMPUTER,
            rows::FROM_COMPUTER
                .replacen(
                    "installation i",
                    "(SELECT $1::text[] AS asked_software, asks_scripts FROM installation) i",
                    1
                )
                // Or every chunk would walk through the inventories of all chunks before it.
                .replacen("v.computer_id = c.id", "v.computer_id = c.id AND v.computer_id > $2", 1),
        );
        let statement = client.prepare_cached(&sql).await.doing("reading computers")?;
        let tenants: Option<Vec<i64>> =
            narrowing.tenants.as_ref().map(|tenants| tenants.iter().map(|tenant| tenant.0).collect());
        let found = client
            .query(&statement, &[&narrowing.software, &after.0, &tenants, &narrowing.names, &most])
            .await
            .doing("reading computers")?;
        found.iter().map(rows::computer).collect()
    }
}
