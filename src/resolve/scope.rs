//! What a session asks for: which deployments take part.

use std::collections::BTreeSet;

use crate::domain::session::{Kind, Order};
use crate::domain::{Deployment, Enforcement};

use super::choose::WhyLeftOut;

/// Which deployments take part in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every required one.
    Full,
    /// These, by name, whatever their enforcement and even if they are disabled: a person chose them. Nothing else has
    /// a say, not even an exception.
    Targeted(BTreeSet<String>),
    /// Those for onboarding, before the required ones.
    Onboarding,
}

impl Scope {
    /// The scope of a session of this kind with this order. A detection, a resolution and a download are about what a
    /// full session would do, or about the deployments they name.
    pub fn of(kind: Kind, order: &Order) -> Scope {
        let named = || Scope::Targeted(order.deployments.iter().cloned().collect());
        match kind {
            Kind::Targeted => named(),
            Kind::Detection | Kind::Resolution | Kind::Download if !order.deployments.is_empty() => named(),
            Kind::Full | Kind::Detection | Kind::Repair | Kind::Inventory | Kind::Resolution | Kind::Download => {
                Scope::Full
            }
            Kind::Onboarding => Scope::Onboarding,
        }
    }

    /// Why a deployment does not take part; none if it does.
    pub(super) fn leaves_out(&self, deployment: &Deployment) -> Option<WhyLeftOut> {
        let has_part = match self {
            Scope::Targeted(names) => {
                return (!names.contains(&deployment.name)).then_some(WhyLeftOut::NotNamed);
            }
            Scope::Full => deployment.enforcement == Enforcement::Required,
            Scope::Onboarding => {
                matches!(deployment.enforcement, Enforcement::Required | Enforcement::Onboarding)
            }
        };
        match (deployment.disabled, has_part) {
            (true, _) => Some(WhyLeftOut::Disabled),
            (false, false) => Some(WhyLeftOut::Enforcement),
            (false, true) => None,
        }
    }
}
