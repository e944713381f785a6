//! The policy: everything that says how computers should be, compiled once and shared.
//!
//! It is immutable and has a version: a worker that is told of a newer one loads it and lets go of the old one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::aimed::Aimed;
use super::computer::Computer;
use super::deployment::{Deployment, Target};
use super::group::Group;
use super::ids::TenantId;
use super::item::{Item, ItemKind};
use super::licence::Licence;
use super::script::Sha256Hash;
use super::sequence::Sequence;
use super::software::Software;
use super::task::Task;
use super::tenant::Tenant;

/// How every computer should be, at one version. A clone shares its parts: one that differs in little costs little.
#[derive(Debug, Clone)]
pub struct Policy {
    version: i64,
    tenants: Arc<BTreeMap<TenantId, Tenant>>,
    software: Arc<BTreeMap<String, Software>>,
    /// What takes the place of software of the same name.
    replaced: BTreeMap<String, Software>,
    tasks: Arc<BTreeMap<String, Task>>,
    scripts: Arc<HashMap<Sha256Hash, Arc<str>>>,
    deployments: Arc<Vec<Arc<Deployment>>>,
    groups: Arc<Vec<Group>>,
    aimed: Arc<Aimed>,
    sequence: Arc<Sequence>,
    licences: Arc<Vec<Licence>>,
    /// The software that cannot be beside one, whichever of the two says so.
    conflicting: Arc<HashMap<String, BTreeSet<String>>>,
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
        let aimed = Aimed::of(&deployments, |_| None);
        let software: BTreeMap<_, _> = software.into_iter().map(|software| (software.name.clone(), software)).collect();
        let mut conflicting: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (name, conflict) in software.values().flat_map(|one| one.conflicts.iter().map(|it| (&one.name, it))) {
            conflicting.entry(name.clone()).or_default().insert(conflict.software.clone());
            conflicting.entry(conflict.software.clone()).or_default().insert(name.clone());
        }
        Policy {
            version,
            tenants: Arc::new(tenants.into_iter().map(|tenant| (tenant.id, tenant)).collect()),
            software: Arc::new(software),
            replaced: BTreeMap::new(),
            tasks: Arc::new(tasks.into_iter().map(|task| (task.name.clone(), task)).collect()),
            scripts: Arc::new(scripts.into_iter().map(|(hash, body)| (hash, Arc::from(body))).collect()),
            deployments: Arc::new(deployments),
            groups: Arc::default(),
            aimed: Arc::new(aimed),
            sequence: Arc::default(),
            licences: Arc::default(),
            conflicting: Arc::new(conflicting),
        }
    }

    /// The same with these groups. The order does not matter.
    pub fn with_groups(mut self, groups: impl IntoIterator<Item = Group>) -> Self {
        let mut groups: Vec<Group> = groups.into_iter().collect();
        groups.sort_by(|one, other| one.name.cmp(&other.name));
        self.groups = Arc::new(groups);
        self.aimed = Arc::new(Aimed::of(&self.deployments, |name| self.group(name).map(|(_, group)| group)));
        self
    }

    /// The same policy with this order of items.
    pub fn in_sequence(self, sequence: Sequence) -> Self {
        Policy { sequence: Arc::new(sequence), ..self }
    }

    /// The same policy with these licences. The order does not matter.
    pub fn with_licences(mut self, licences: impl IntoIterator<Item = Licence>) -> Self {
        let mut licences: Vec<Licence> = licences.into_iter().collect();
        licences.sort_by(|one, other| one.name.cmp(&other.name));
        self.licences = Arc::new(licences);
        self
    }

    /// The licences for a software, by name.
    pub fn licences(&self, software: &str) -> impl Iterator<Item = &Licence> {
        self.licences.iter().filter(move |licence| licence.software == software)
    }

    /// The order of items.
    pub fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    /// The software that cannot be beside this one in some version, by name.
    pub fn conflicting(&self, software: &str) -> impl Iterator<Item = &str> {
        self.conflicting.get(software).into_iter().flatten().map(String::as_str)
    }

    /// The version: it rises with every change.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The software of this name.
    pub fn software(&self, name: &str) -> Option<&Software> {
        self.replaced.get(name).or_else(|| self.software.get(name))
    }

    /// The task of this name.
    pub fn task(&self, name: &str) -> Option<&Task> {
        self.tasks.get(name)
    }

    /// The software that an item is; none if it is a task, or not there.
    pub fn software_of(&self, item: &Item) -> Option<&Software> {
        (item.kind == ItemKind::Software).then(|| self.software(&item.name)).flatten()
    }

    /// The task that an item is; none if it is a software, or not there.
    pub fn task_of(&self, item: &Item) -> Option<&Task> {
        (item.kind == ItemKind::Task).then(|| self.task(&item.name)).flatten()
    }

    /// True if there is such an item.
    pub fn has(&self, item: &Item) -> bool {
        match item.kind {
            ItemKind::Software => self.software.contains_key(&item.name),
            ItemKind::Task => self.tasks.contains_key(&item.name),
        }
    }

    /// Every item, software first.
    pub fn items(&self) -> impl Iterator<Item = Item> {
        self.software.keys().map(Item::software).chain(self.tasks.keys().map(Item::task))
    }

    /// The text of a script.
    pub fn script(&self, hash: &Sha256Hash) -> Option<Arc<str>> {
        self.scripts.get(hash).cloned()
    }

    /// Every group, by name.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The group of this name, and its place among [`groups`](Policy::groups).
    pub fn group(&self, name: &str) -> Option<(usize, &Group)> {
        let place = self.groups.binary_search_by(|group| group.name.as_str().cmp(name)).ok()?;
        Some((place, &self.groups[place]))
    }

    /// Every deployment, the oldest first.
    pub fn deployments(&self) -> &[Arc<Deployment>] {
        &self.deployments
    }

    /// The deployment of this name.
    pub fn deployment(&self, name: &str) -> Option<&Arc<Deployment>> {
        self.deployments.iter().find(|deployment| deployment.name == name)
    }

    /// The software that the queries of groups ask for, in small letters.
    pub fn asked_software(&self) -> BTreeSet<String> {
        self.groups.iter().flat_map(Group::software).map(str::to_owned).collect()
    }

    /// The same with no other deployments than these: for looking at many computers.
    pub fn only(&self, keep: impl Fn(&Deployment) -> bool) -> Policy {
        let kept: Vec<_> = self.deployments.iter().filter(|deployment| keep(deployment)).cloned().collect();
        let aimed = Aimed::of(&kept, |name| self.group(name).map(|(_, group)| group));
        Policy { deployments: Arc::new(kept), aimed: Arc::new(aimed), ..self.clone() }
    }

    /// The same without the groups that neither a deployment nor one of these refers to, directly or by other groups.
    pub fn without_other_groups<'g>(mut self, also: impl IntoIterator<Item = &'g str>) -> Policy {
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        let targets = self.deployments.iter().flat_map(|one| std::iter::once(&one.target).chain(&one.exclude));
        let aimed = targets.filter_map(|target| match target {
            Target::Group { name, .. } => Some(name.clone()),
            _ => None,
        });
        let mut open: Vec<String> = aimed.chain(also.into_iter().map(str::to_owned)).collect();
        while let Some(name) = open.pop() {
            if let Some((_, group)) = self.group(&name)
                && wanted.insert(name)
            {
                open.extend(group.refers_to().into_iter().map(str::to_owned));
            }
        }
        Arc::make_mut(&mut self.groups).retain(|group| wanted.contains(&group.name));
        self
    }

    /// The same with other software in the place of that of the same names, which there must be.
    pub fn with_software(&self, software: impl IntoIterator<Item = Software>) -> Policy {
        let mut policy = self.clone();
        policy.replaced.extend(software.into_iter().map(|software| (software.name.clone(), software)));
        policy
    }

    /// The ids of a tenant and of those below it.
    pub fn below(&self, tenant: &str) -> Vec<TenantId> {
        let is_below = |id: &TenantId| self.lineage(*id).iter().any(|one| one.name == tenant);
        self.tenants.keys().copied().filter(is_below).collect()
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
        let places = self.aimed.at(computer, &self.lineage(computer.tenant));
        places.into_iter().map(|place| &self.deployments[place]).collect()
    }
}
