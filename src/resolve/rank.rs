//! The total order among deployments of one item on one computer.
//!
//! Computer, then person, then tag or group inside the tenant, then the whole tenant, then a tenant above it that
//! propagates (the nearer first), then a tag or group of all tenants, then everyone; then the narrower filter, one's own
//! before what others recommend, the higher priority, `ignored` before `absent` before the rest, and the older. During onboarding, deployments for onboarding come before all others.

use std::cmp::Reverse;

use crate::domain::{Deployment, Enforcement};

use super::choose::LostBy;
use super::subject::Subject;

/// Where a deployment stands; the least wins. No two are equal, because ids differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    onboarding: Reverse<bool>,
    target: (u8, usize),
    filter: (usize, usize),
    recommended: bool,
    priority: Reverse<i32>,
    state: u8,
    id: i64,
}

impl Rank {
    /// The rank of a deployment on a computer; none if the computer is not known to be in its target.
    pub(super) fn of(deployment: &Deployment, subject: &Subject<'_>, onboarding: bool) -> Option<Rank> {
        Some(Rank {
            onboarding: Reverse(onboarding && deployment.enforcement == Enforcement::Onboarding),
            target: subject.narrowness(&deployment.target)?,
            filter: deployment.filter.breadth(),
            recommended: deployment.recommended,
            priority: Reverse(deployment.priority),
            state: deployment.precedence(),
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
        } else if self.recommended != winner.recommended {
            LostBy::Recommended
        } else if self.priority != winner.priority {
            LostBy::Priority
        } else if self.state != winner.state {
            LostBy::State
        } else {
            LostBy::Age
        }
    }
}
