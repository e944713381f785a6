//! What the chosen bring with them: configuration tasks and prerequisites, so that one round trip detects all of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde::Serialize;

use crate::domain::{
    Bounds, Consequence, Deployment, DesiredState, Item, ItemKind, Mode, Os, Otherwise, Policy, Prerequisite,
};

use super::choose::{Wanted, is_for};

/// Why an item is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// A deployment won it.
    Deployed,
    /// It configures this software.
    Configures(Item),
    /// This item needs it.
    NeededBy(Item),
}

/// What an item needs of another, or has to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Demand {
    /// The item that needs it.
    pub by: Item,
    /// What it needs.
    #[serde(flatten)]
    pub need: Need,
}

/// What is needed of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "need")]
pub enum Need {
    /// It must be there.
    There {
        /// The versions that will do.
        #[serde(flatten)]
        bounds: Bounds,
        /// What to do if it is not.
        otherwise: Otherwise,
    },
    /// Whether it is there, and in which version, has a say in what is done.
    Known,
}

/// Adds to the winners what they bring, transitively. What is not for the operating system is not brought.
pub(super) fn close(policy: &Policy, os: Os, winners: Vec<Wanted>) -> Vec<Wanted> {
    let mut queue: VecDeque<Item> = winners.iter().map(|wanted| wanted.item.clone()).collect();
    let mut queued: BTreeSet<Item> = queue.iter().cloned().collect();
    let mut wanted: BTreeMap<Item, Wanted> = winners.into_iter().map(|winner| (winner.item.clone(), winner)).collect();
    while let Some(item) = queue.pop_front() {
        let Some(from) = wanted.get(&item) else { continue };
        let deployment = Arc::clone(&from.deployment);
        let deployed = from.because == Because::Deployed;
        for Brought { item: other, because, need, may_come } in brought_by(policy, &item, &deployment, deployed) {
            if is_for(policy, &other, os) != Some(true) {
                continue;
            }
            // What is only looked at brings nothing further.
            if may_come && queued.insert(other.clone()) {
                queue.push_back(other.clone());
            }
            let entry = wanted.entry(other.clone()).or_insert_with(|| {
                // A configuration shares the parameters of its software; what is needed by an item knows nothing of it.
                let deployment = match because {
                    Because::NeededBy(_) if !deployment.parameters.is_empty() => {
                        Arc::new(Deployment { parameters: BTreeMap::new(), ..(*deployment).clone() })
                    }
                    Because::NeededBy(_) | Because::Configures(_) | Because::Deployed => Arc::clone(&deployment),
                };
                Wanted { item: other, deployment, because, demands: vec![], given: BTreeMap::new(), losers: vec![] }
            });
            entry.demands.extend(need.map(|need| Demand { by: item.clone(), need }));
        }
    }
    wanted.into_values().collect()
}

/// An item that comes with another.
struct Brought {
    item: Item,
    because: Because,
    need: Option<Need>,
    /// Whether it may have to be brought about.
    may_come: bool,
}

/// What comes with one item as a deployment wants that: only its configuration where nothing is enforced.
fn brought_by(policy: &Policy, item: &Item, deployment: &Deployment, deployed: bool) -> Vec<Brought> {
    let wants_it_there = !matches!(deployment.state, DesiredState::Absent | DesiredState::Ignored);
    let wants_it_there = !deployed || wants_it_there;
    if !wants_it_there || matches!(deployment.mode, Mode::Ignore | Mode::Monitor) {
        return Vec::new();
    }
    let mut brought = all_brought_by(policy, item);
    brought.retain(|brought| deployment.mode == Mode::Enforce || matches!(brought.because, Because::Configures(_)));
    brought
}

/// The items that may come with one.
pub(super) fn leads_to(policy: &Policy, item: &Item) -> BTreeSet<Item> {
    all_brought_by(policy, item).into_iter().map(|brought| brought.item).collect()
}

/// All that may come with one item: its configuration, what it needs, and what its rules and conflicts are about.
fn all_brought_by(policy: &Policy, item: &Item) -> Vec<Brought> {
    let mut brought = Vec::new();
    let software = policy.software_of(item);
    if let Some(task) = software.and_then(|software| software.configuration.as_ref()) {
        let because = Because::Configures(item.clone());
        brought.push(Brought { item: Item::task(task), because, need: None, may_come: true });
    }
    let mut bring = |other: Item, need, may_come| {
        let because = Because::NeededBy(item.clone());
        brought.push(Brought { item: other, because, need: Some(need), may_come });
    };
    let there = |Prerequisite { bounds, otherwise, .. }: &Prerequisite| Need::There {
        bounds: bounds.clone(),
        otherwise: *otherwise,
    };
    if let Some(software) = software {
        for prerequisite in &software.requires {
            bring(prerequisite.item.clone(), there(prerequisite), true);
        }
        // Which version will be there is not known yet.
        for prerequisite in software.versions.iter().flat_map(|version| &version.requires) {
            bring(prerequisite.item.clone(), there(prerequisite), true);
        }
        for rule in &software.rules {
            for name in rule.names() {
                let may_come = matches!(&rule.then, Consequence::Install(names) if names.iter().any(|one| one == name));
                bring(Item::software(name), Need::Known, may_come);
            }
        }
        for other in policy.conflicting(&software.name) {
            bring(Item::software(other), Need::Known, false);
        }
    } else if let (ItemKind::Task, Some(task)) = (item.kind, policy.task(&item.name)) {
        for prerequisite in &task.requires {
            bring(prerequisite.item.clone(), there(prerequisite), true);
        }
    }
    brought
}
