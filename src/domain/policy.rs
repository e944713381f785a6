//! The policy: everything that says how computers should be, compiled once and shared.
//!
//! It is immutable and has a version: a worker that is told of a newer one loads it and lets go of the old one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::computer::Computer;
use super::deployment::{Deployment, Target};
use super::ids::TenantId;
use super::item::{Item, ItemKind};
use super::script::Sha256Hash;
use super::software::Software;
use super::task::Task;
use super::tenant::Tenant;

/// How every computer should be, at one version.
#[derive(Debug)]
pub struct Policy {
    version: i64,
    tenants: BTreeMap<TenantId, Tenant>,
    software: BTreeMap<String, Software>,
    tasks: BTreeMap<String, Task>,
    scripts: HashMap<Sha256Hash, Arc<str>>,
    deployments: Vec<Arc<Deployment>>,
    aimed: Aimed,
}

/// Deployments by where they aim, so that a computer meets only those that may be for it. Places in `deployments`.
#[derive(Debug, Default)]
struct Aimed {
    everyone: Vec<usize>,
    tenant: HashMap<String, Vec<usize>>,
    tag: HashMap<String, Vec<usize>>,
    computer: HashMap<(String, String), Vec<usize>>,
}

impl Policy {
    /// Compiles a policy. The order of the parts does not matter.
    pub fn new(
        version: i64,
        tenants: impl IntoIterator<Item = Tenant>,
        software: impl IntoIterator<Item = Software>,
        tasks: impl IntoIterator<Item = Task>,
        deployments: impl IntoIterator<Item = Deployment>,
        scripts: impl IntoIterator<Item = (Sha256Hash, String)>,
    ) -> Self {
        let mut deployments: Vec<_> = deployments.into_iter().map(Arc::new).collect();
        deployments.sort_by_key(|deployment| deployment.id);
        let mut aimed = Aimed::default();
        for (place, deployment) in deployments.iter().enumerate() {
            match &deployment.target {
                Target::Everyone => aimed.everyone.push(place),
                Target::Tenant { name, .. } => aimed.tenant.entry(name.clone()).or_default().push(place),
                Target::Tag { name, .. } => aimed.tag.entry(name.clone()).or_default().push(place),
                Target::Computer { tenant, name } => {
                    aimed.computer.entry((tenant.clone(), name.clone())).or_default().push(place);
                }
            }
        }
        Policy {
            version,
            tenants: tenants.into_iter().map(|tenant| (tenant.id, tenant)).collect(),
            software: software.into_iter().map(|software| (software.name.clone(), software)).collect(),
            tasks: tasks.into_iter().map(|task| (task.name.clone(), task)).collect(),
            scripts: scripts.into_iter().map(|(hash, body)| (hash, Arc::from(body))).collect(),
            deployments,
            aimed,
        }
    }

    /// The version: it rises with every change.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The software of this name.
    pub fn software(&self, name: &str) -> Option<&Software> {
        self.software.get(name)
    }

    /// The task of this name.
    pub fn task(&self, name: &str) -> Option<&Task> {
        self.tasks.get(name)
    }

    /// True if there is such an item.
    pub fn has(&self, item: &Item) -> bool {
        match item.kind {
            ItemKind::Software => self.software.contains_key(&item.name),
            ItemKind::Task => self.tasks.contains_key(&item.name),
        }
    }

    /// The text of a script.
    pub fn script(&self, hash: &Sha256Hash) -> Option<Arc<str>> {
        self.scripts.get(hash).cloned()
    }

    /// Every deployment, the oldest first.
    pub fn deployments(&self) -> &[Arc<Deployment>] {
        &self.deployments
    }

    /// A tenant and those above it, the nearest first. A loop among them ends the list.
    pub fn lineage(&self, tenant: TenantId) -> Vec<&Tenant> {
        let mut lineage = Vec::new();
        let mut seen = HashSet::new();
        let mut next = Some(tenant);
        while let Some(tenant) = next.and_then(|id| self.tenants.get(&id)) {
            if !seen.insert(tenant.id) {
                break;
            }
            lineage.push(tenant);
            next = tenant.parent;
        }
        lineage
    }

    /// The deployments whose target may contain this computer, the oldest first. Filters, enforcement and the rest are
    /// for [`crate::resolve`] to weigh.
    pub fn aimed_at(&self, computer: &Computer) -> Vec<&Arc<Deployment>> {
        let lineage = self.lineage(computer.tenant);
        let own = lineage.first().map(|tenant| tenant.name.clone()).unwrap_or_default();
        let computer_key = (own, computer.name.clone());
        let places: BTreeSet<usize> = (self.aimed.everyone.iter())
            .chain(lineage.iter().filter_map(|tenant| self.aimed.tenant.get(&tenant.name)).flatten())
            .chain(computer.tags.iter().filter_map(|tag| self.aimed.tag.get(tag)).flatten())
            .chain(self.aimed.computer.get(&computer_key).into_iter().flatten())
            .copied()
            .collect();
        places.into_iter().map(|place| &self.deployments[place]).collect()
    }
}
