//! A tenant: the customer to whom computers belong.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::TenantId;

/// A customer, perhaps below another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name, unique in the installation.
    pub name: String,
    /// The tenant above it, whose propagating deployments reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TenantId>,
    /// The tags it bears; those below it do not.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// False if it stands apart: deployments that are for all tenants do not reach its computers.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub cross_tenant: bool,
}

fn yes() -> bool {
    true
}
