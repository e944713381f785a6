//! What a session asks for: which deployments take part.

use std::collections::BTreeSet;

use crate::domain::session::{Kind, Order};
use crate::domain::{Computer, Deployment, Enforcement};

use super::choose::WhyLeftOut;

/// Which deployments take part in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every required one, and every optional one that was approved for the computer.
    Full,
    /// These, by name, whatever their enforcement and even if they are disabled or not adopted: a person chose them. Only
    /// one that was denied or dismissed stays out. Nothing else has a say, not even an exception.
    Targeted(BTreeSet<String>),
    /// Those for onboarding, before all that a full session has.
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
    pub(super) fn leaves_out(&self, deployment: &Deployment, computer: &Computer) -> Option<WhyLeftOut> {
        let decided = (deployment.enforcement == Enforcement::Optional)
            .then(|| computer.approvals.get(&deployment.name).map(|approval| approval.approved))
            .flatten();
        let adopted = match (deployment.recommended, &deployment.decision) {
            (false, _) => Ok(()),
            (true, Some(decision)) if decision.adopted => Ok(()),
            (true, Some(_)) => Err(WhyLeftOut::Dismissed),
            (true, None) => Err(WhyLeftOut::NotAdopted),
        };
        let has_part = match self {
            Scope::Targeted(names) if names.contains(&deployment.name) && adopted == Err(WhyLeftOut::Dismissed) => {
                return Some(WhyLeftOut::Dismissed);
            }
            Scope::Targeted(names) => {
                return match (names.contains(&deployment.name), decided) {
                    (false, _) => Some(WhyLeftOut::NotNamed),
                    (true, Some(false)) => Some(WhyLeftOut::Denied),
                    (true, Some(true) | None) => None,
                };
            }
            Scope::Full => matches!(deployment.enforcement, Enforcement::Required | Enforcement::Optional),
            Scope::Onboarding => match deployment.enforcement {
                Enforcement::Required | Enforcement::Optional | Enforcement::Onboarding => true,
                Enforcement::Adhoc => false,
            },
        };
        if let Err(why) = adopted {
            return Some(why);
        }
        match (deployment.disabled, has_part) {
            (true, _) => Some(WhyLeftOut::Disabled),
            (false, false) => Some(WhyLeftOut::Enforcement),
            (false, true) if deployment.enforcement == Enforcement::Optional => match decided {
                Some(true) => None,
                Some(false) => Some(WhyLeftOut::Denied),
                None => Some(WhyLeftOut::NotApproved),
            },
            (false, true) => None,
        }
    }
}
