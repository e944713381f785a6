//! The choice: one winner for each item, and why the others are not it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::domain::words::words;
use crate::domain::{Computer, ComputerId, Deployment, Item, ItemKind, Os, ParameterValue, Policy, TenantId, Truth};

use super::closure::{self, Because, Demand};
use super::narrow::Only;
use super::rank::Rank;
use super::scope::Scope;
use super::subject::Subject;

/// What is wanted of one computer, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resolution {
    /// The computer.
    pub computer: ComputerId,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its operating system.
    pub os: Os,
    /// Its processor.
    pub arch: String,
    /// The version of the policy.
    pub policy_version: i64,
    /// What is wanted, one entry an item, by item.
    pub wanted: Vec<Wanted>,
    /// The one item that is to be planned; none where all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
    /// The deployments that aim at it, or were asked for, and take no part, by name.
    pub left_out: Vec<LeftOut>,
}

/// What is wanted of one item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Wanted {
    /// The item.
    pub item: Item,
    /// The deployment that won or, of an item that none deploys, the one that brought it.
    pub deployment: Arc<Deployment>,
    /// Why it is wanted.
    pub because: Because,
    /// What others need of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub demands: Vec<Demand>,
    /// What the session gives its parameters, in the place of what the deployment says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub given: BTreeMap<String, ParameterValue>,
    /// The deployments that lost, best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub losers: Vec<Loser>,
}

/// A deployment that lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loser {
    /// Its name.
    pub deployment: String,
    /// The first respect in which it is behind the winner.
    pub lost_by: LostBy,
}

words! {
    /// The respects in which one deployment is before another, the weightiest first.
    LostBy {
        /// The other is for onboarding, and this is an onboarding.
        Onboarding = "onboarding",
        /// The other has a narrower target.
        Target = "target",
        /// The other has a narrower filter.
        Filter = "filter",
        /// The other is the installation's own, and this one was recommended by others.
        Recommended = "recommended",
        /// The other has a higher priority.
        Priority = "priority",
        /// The other makes an exception, or removes.
        State = "state",
        /// The other is older and equal in all else: likely a mistake.
        Age = "age",
    }
}

/// A deployment that takes no part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub deployment: String,
    /// Why.
    pub why: WhyLeftOut,
}

words! {
    /// Why a deployment takes no part.
    WhyLeftOut {
        /// The computer is excluded from maintenance.
        ComputerExcluded = "computer_excluded",
        /// It is for all tenants, and that of the computer stands apart.
        TenantApart = "tenant_apart",
        /// It is recommended, and nobody has adopted it.
        NotAdopted = "not_adopted",
        /// It is recommended, and was dismissed.
        Dismissed = "dismissed",
        /// It is disabled.
        Disabled = "disabled",
        /// The session names others.
        NotNamed = "not_named",
        /// Its enforcement is for other sessions.
        Enforcement = "enforcement",
        /// It is optional, and was not approved for the computer.
        NotApproved = "not_approved",
        /// It is optional, and was denied for the computer.
        Denied = "denied",
        /// It makes an exception of the computer.
        Excepted = "excepted",
        /// It may make an exception of the computer: what that rests on is not known, its inventory was not taken.
        PerhapsExcepted = "perhaps_excepted",
        /// What its group asks for is not known of the computer: its inventory was not taken.
        GroupUnknown = "group_unknown",
        /// Its filter does not admit the computer.
        Filter = "filter",
        /// Its item is not for the computer's operating system.
        Platform = "platform",
        /// Its item does not exist.
        NoSuchItem = "no_such_item",
        /// The session names it, and the computer is not in its target.
        OtherTarget = "other_target",
        /// The session names it, and there is none of this name.
        NoSuchDeployment = "no_such_deployment",
    }
}

/// Who wins of the deployments that aim at a computer, before anything that the winners bring.
#[derive(Debug, Clone, PartialEq)]
pub struct Contest {
    /// The winner of each item, with the losers, by item.
    pub winners: Vec<Wanted>,
    /// Those that take no part, by name.
    pub left_out: Vec<LeftOut>,
}

/// Chooses what is wanted of a computer.
pub fn resolve(policy: &Policy, computer: &Computer, scope: &Scope) -> Resolution {
    let Contest { winners, left_out } = contest(policy, &Subject::new(policy, computer), scope);
    Resolution {
        computer: computer.id,
        tenant: computer.tenant,
        os: computer.os,
        arch: computer.arch.clone(),
        policy_version: policy.version(),
        wanted: closure::close(policy, computer.os, winners),
        only: None,
        left_out,
    }
}

/// Chooses one deployment an item: what resolutions, explanations and previews have in common.
pub fn contest(policy: &Policy, subject: &Subject<'_>, scope: &Scope) -> Contest {
    let onboarding = matches!(scope, Scope::Onboarding);
    let mut left_out = Vec::new();
    let mut candidates: BTreeMap<&Item, Vec<(Rank, &Arc<Deployment>)>> = BTreeMap::new();
    for deployment in policy.aimed_at(subject.computer()) {
        let is_in = subject.meets(&deployment.target);
        if is_in == Truth::No {
            continue;
        }
        let why = why_left_out(policy, subject, scope, deployment);
        match (why, Rank::of(deployment, subject, onboarding)) {
            (None, Some(rank)) => candidates.entry(&deployment.item).or_default().push((rank, deployment)),
            (why, _) => {
                let why = why.unwrap_or(WhyLeftOut::GroupUnknown);
                left_out.push(LeftOut { deployment: deployment.name.clone(), why });
            }
        }
    }
    if let Scope::Targeted(names) = scope {
        left_out.extend(names.iter().filter_map(|name| unmet(policy, subject, name)));
    }
    left_out.sort();

    let winners = candidates.into_iter().filter_map(|(item, candidates)| choose(item, candidates)).collect();
    Contest { winners, left_out }
}

/// The best of the candidates for one item.
fn choose(item: &Item, mut candidates: Vec<(Rank, &Arc<Deployment>)>) -> Option<Wanted> {
    candidates.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut ranked = candidates.into_iter();
    let (best, winner) = ranked.next()?;
    let losers =
        ranked.map(|(rank, loser)| Loser { deployment: loser.name.clone(), lost_by: rank.lost_to(&best) }).collect();
    Some(Wanted {
        item: item.clone(),
        deployment: Arc::clone(winner),
        because: Because::Deployed,
        demands: Vec::new(),
        given: BTreeMap::new(),
        losers,
    })
}

fn why_left_out(policy: &Policy, subject: &Subject<'_>, scope: &Scope, deployment: &Deployment) -> Option<WhyLeftOut> {
    let computer = subject.computer();
    if computer.excluded {
        return Some(WhyLeftOut::ComputerExcluded);
    }
    if deployment.target.is_for_all_tenants() && subject.stands_apart() {
        return Some(WhyLeftOut::TenantApart);
    }
    if let Some(why) = scope.leaves_out(deployment, computer) {
        return Some(why);
    }
    match deployment.exclude.iter().map(|target| subject.meets(target)).max() {
        Some(Truth::Yes) => return Some(WhyLeftOut::Excepted),
        Some(Truth::Unknown) => return Some(WhyLeftOut::PerhapsExcepted),
        Some(Truth::No) | None => {}
    }
    if !deployment.filter.admits(computer) {
        return Some(WhyLeftOut::Filter);
    }
    match is_for(policy, &deployment.item, computer.os) {
        None => Some(WhyLeftOut::NoSuchItem),
        Some(false) => Some(WhyLeftOut::Platform),
        Some(true) => None,
    }
}

/// Why a deployment that a session names does not even aim at the computer; none if it does.
fn unmet(policy: &Policy, subject: &Subject<'_>, name: &str) -> Option<LeftOut> {
    let why = match policy.deployments().iter().find(|deployment| deployment.name == name) {
        None => WhyLeftOut::NoSuchDeployment,
        Some(deployment) if subject.meets(&deployment.target) == Truth::No => WhyLeftOut::OtherTarget,
        Some(_) => return None,
    };
    Some(LeftOut { deployment: name.to_owned(), why })
}

/// Whether an item is for an operating system; none if there is no such item.
pub fn is_for(policy: &Policy, item: &Item, os: Os) -> Option<bool> {
    let systems = match item.kind {
        ItemKind::Software => &policy.software(&item.name)?.os,
        ItemKind::Task => &policy.task(&item.name)?.os,
    };
    Some(systems.is_empty() || systems.contains(&os))
}
