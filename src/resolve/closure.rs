//! What the chosen bring with them: configuration tasks and prerequisites, so that one round trip detects all of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;

use crate::domain::{Deployment, DesiredState, Item, ItemKind, Mode, Os, Otherwise, Policy, Prerequisite};

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

/// What an item needs of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Demand {
    /// The item that needs it.
    pub by: Item,
    /// The least version that will do; none means any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// What to do if it is not met.
    pub otherwise: Otherwise,
}

/// Adds to the winners what they bring, transitively. What is not for the operating system is not brought.
pub(super) fn close(policy: &Policy, os: Os, winners: Vec<Wanted>) -> Vec<Wanted> {
    let mut queue: VecDeque<Item> = winners.iter().map(|wanted| wanted.item.clone()).collect();
    let mut wanted: BTreeMap<Item, Wanted> = winners.into_iter().map(|winner| (winner.item.clone(), winner)).collect();
    while let Some(item) = queue.pop_front() {
        let Some(from) = wanted.get(&item) else { continue };
        let deployment = Arc::clone(&from.deployment);
        let deployed = from.because == Because::Deployed;
        for (other, because, demand) in brought_by(policy, &item, &deployment, deployed) {
            if is_for(policy, &other, os) == Some(false) {
                continue;
            }
            let entry = wanted.entry(other.clone()).or_insert_with(|| {
                queue.push_back(other.clone());
                // A configuration shares the parameters of its software; what is needed by an item knows nothing of it.
                let deployment = match because {
                    Because::NeededBy(_) if !deployment.parameters.is_empty() => {
                        Arc::new(Deployment { parameters: BTreeMap::new(), ..(*deployment).clone() })
                    }
                    Because::NeededBy(_) | Because::Configures(_) | Because::Deployed => Arc::clone(&deployment),
                };
                Wanted { item: other, deployment, because, demands: vec![], losers: vec![] }
            });
            entry.demands.extend(demand);
        }
    }
    wanted.into_values().collect()
}

/// The configuration and the prerequisites of one item.
fn brought_by(
    policy: &Policy,
    item: &Item,
    deployment: &Deployment,
    deployed: bool,
) -> Vec<(Item, Because, Option<Demand>)> {
    let wants_it_there = !matches!(deployment.state, DesiredState::Absent | DesiredState::Ignored);
    let wants_it_there = !deployed || wants_it_there;
    if !wants_it_there || matches!(deployment.mode, Mode::Ignore | Mode::Monitor) {
        return Vec::new();
    }
    let (configuration, requires): (Option<&String>, &[Prerequisite]) = match item.kind {
        ItemKind::Software => policy
            .software(&item.name)
            .map_or((None, &[]), |software| (software.configuration.as_ref(), &software.requires)),
        ItemKind::Task => policy.task(&item.name).map_or((None, &[]), |task| (None, &task.requires)),
    };
    let mut brought: Vec<_> =
        configuration.map(|task| (Item::task(task), Because::Configures(item.clone()), None)).into_iter().collect();
    if deployment.mode == Mode::Enforce {
        brought.extend(requires.iter().map(|prerequisite| {
            let Prerequisite { item: needed, at_least, otherwise } = prerequisite.clone();
            let demand = Demand { by: item.clone(), at_least, otherwise };
            (needed, Because::NeededBy(item.clone()), Some(demand))
        }));
    }
    brought
}
