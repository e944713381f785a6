//! The sentences that say who wins and why.

use crate::domain::Deployment;

use super::choose::{LostBy, WhyLeftOut};

/// Why a loser is behind the winner.
pub(super) fn lost(loser: &Deployment, winner: &Deployment, by: LostBy) -> String {
    let name = &winner.name;
    match by {
        LostBy::Onboarding => format!("In an onboarding, {name} comes first: it is for onboarding."),
        LostBy::Target => format!("Its target, {}, is wider than {} of {name}.", loser.target, winner.target),
        LostBy::Filter => format!("Its filter is wider than that of {name}."),
        LostBy::Recommended => format!("It is only recommended, and {name} is your own."),
        LostBy::Priority => format!("Its priority is {}, and that of {name} is {}.", loser.priority, winner.priority),
        LostBy::State => format!("{name} wants it {}, which comes first among equals.", winner.wants()),
        LostBy::Age => format!(
            "It is equal to {name} in all else, and younger. That is likely a mistake: disable one of them, or give one a \
             higher priority."
        ),
    }
}

/// Why a deployment takes no part.
pub(super) fn left_out(deployment: &Deployment, why: WhyLeftOut) -> String {
    let text = match why {
        WhyLeftOut::ComputerExcluded => "The computer is excluded from all maintenance.",
        WhyLeftOut::TenantApart => "It is for all tenants, and the tenant of this computer has cross_tenant: false.",
        WhyLeftOut::NotAdopted => "It is recommended, and nobody has adopted it.",
        WhyLeftOut::Dismissed => "It is recommended, and was dismissed.",
        WhyLeftOut::Disabled => "It is disabled.",
        WhyLeftOut::NotNamed => "The session names other deployments.",
        WhyLeftOut::Enforcement => {
            return format!("Its enforcement is {}: it is for other sessions.", deployment.enforcement);
        }
        WhyLeftOut::NotApproved => "It is optional, and nobody has approved it for this computer.",
        WhyLeftOut::Denied => "It is optional, and was denied for this computer.",
        WhyLeftOut::Excepted => "It makes an exception of this computer.",
        WhyLeftOut::PerhapsExcepted => {
            "It may make an exception of this computer: what that rests on is not known until an inventory is taken, or the \
             script of a group has answered."
        }
        WhyLeftOut::GroupUnknown => {
            "Whether the computer is in its group is not known until an inventory is taken, the fact is declared, or the \
             group's script has answered."
        }
        WhyLeftOut::Filter => "Its filter does not admit this computer.",
        WhyLeftOut::Platform => "Its item is not for the operating system of this computer.",
        WhyLeftOut::NoSuchItem => "Its item does not exist.",
        WhyLeftOut::OtherTarget => return format!("This computer is not in its target, {}.", deployment.target),
        WhyLeftOut::NoSuchDeployment => "There is no deployment of this name.",
    };
    text.to_owned()
}
