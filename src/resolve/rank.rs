//! The total order among deployments of one item on one computer.
//!
//! Computer, then tag inside the tenant, then the whole tenant, then a tenant above it that propagates (the nearer
//! first), then a tag of all tenants, then everyone; then the narrower filter, the higher priority, `ignored` before
//! `absent` before the rest, and the older. During onboarding, deployments for onboarding come before all others.

use std::cmp::Reverse;

use crate::domain::{Computer, Deployment, DesiredState, Enforcement, Mode, Target, Tenant};

use super::choose::LostBy;

/// Where a deployment stands; the least wins. No two are equal, because ids differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    onboarding: Reverse<bool>,
    target: (u8, usize),
    filter: (usize, usize),
    priority: Reverse<i32>,
    state: u8,
    id: i64,
}

impl Rank {
    /// The rank of a deployment on a computer; none if the computer is not in its target. `lineage` is the computer's
    /// tenant and those above it.
    pub(super) fn of(
        deployment: &Deployment,
        computer: &Computer,
        lineage: &[&Tenant],
        onboarding: bool,
    ) -> Option<Rank> {
        let filter = &deployment.filter;
        let constrained = [filter.os.len(), filter.arch.len()].iter().filter(|&&values| values > 0).count();
        Some(Rank {
            onboarding: Reverse(onboarding && deployment.enforcement == Enforcement::Onboarding),
            target: narrowness(&deployment.target, computer, lineage)?,
            filter: (2 - constrained, filter.os.len() + filter.arch.len()),
            priority: Reverse(deployment.priority),
            state: match (&deployment.state, deployment.mode) {
                (DesiredState::Ignored, _) | (_, Mode::Ignore) => 0,
                (DesiredState::Absent, _) => 1,
                _ => 2,
            },
            id: deployment.id.0,
        })
    }

    /// The first respect in which this rank is behind the winner's.
    pub(super) fn lost_to(&self, winner: &Rank) -> LostBy {
        if self.onboarding != winner.onboarding {
            LostBy::Onboarding
        } else if self.target != winner.target {
            LostBy::Target
        } else if self.filter != winner.filter {
            LostBy::Filter
        } else if self.priority != winner.priority {
            LostBy::Priority
        } else if self.state != winner.state {
            LostBy::State
        } else {
            LostBy::Age
        }
    }
}

/// How narrowly a target contains a computer, the narrowest being the least; none if it does not.
fn narrowness(target: &Target, computer: &Computer, lineage: &[&Tenant]) -> Option<(u8, usize)> {
    let own = lineage.first().map(|tenant| tenant.name.as_str());
    match target {
        Target::Computer { tenant, name } => (own == Some(tenant) && *name == computer.name).then_some((0, 0)),
        Target::Tag { name, tenant: Some(tenant) } => {
            (own == Some(tenant) && computer.tags.contains(name)).then_some((1, 0))
        }
        Target::Tenant { name, propagate } => {
            let above = lineage.iter().position(|tenant| tenant.name == *name)?;
            match (above, propagate) {
                (0, _) => Some((2, 0)),
                (above, true) => Some((3, above)),
                (_, false) => None,
            }
        }
        Target::Tag { name, tenant: None } => computer.tags.contains(name).then_some((4, 0)),
        Target::Everyone => Some((5, 0)),
    }
}
