//! What has to be done before an item: what it needs there, and what has to go.

use crate::domain::{Bounds, Consequence, Finding, Findings, Item, Otherwise, Policy, Prerequisite, Software};

use super::choices::Choices;
use super::versions::{Platform, entry};

/// One thing that has to be done before an item.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Before {
    /// This has to be there.
    There(Prerequisite),
    /// This has to be gone, or another version of it.
    Gone(Item),
    /// This must not be there, and nobody knows whether it is.
    Unknown(Item),
    /// A rule says that the item cannot be had.
    Refused(String),
}

/// Everything that has to be done before an item that is there, or is going to be, in this version. What can only be said comes first.
pub(super) fn before(
    policy: &Policy,
    platform: Platform<'_>,
    findings: &Findings,
    choices: &Choices<'_>,
    item: &Item,
    version: Option<&str>,
) -> Vec<Before> {
    let Some(software) = policy.software_of(item) else {
        let requires = policy.task_of(item).map_or(&[][..], |task| &task.requires);
        return requires.iter().cloned().map(Before::There).collect();
    };
    let listed = version.and_then(|version| entry(software, platform, version));
    let requires = software.requires.iter().chain(listed.into_iter().flat_map(|version| &version.requires));
    let mut before: Vec<Before> = requires.cloned().map(Before::There).collect();
    let refusals = choices.calls().rules(policy, item).into_iter().filter_map(|rule| match &rule.then {
        Consequence::Fail(why) => Some(Before::Refused(why.clone())),
        Consequence::Install(_) | Consequence::Uninstall(_) => None,
    });
    before.splice(0..0, refusals);
    for rule in choices.calls().rules(policy, item) {
        match &rule.then {
            Consequence::Install(names) => before.extend(names.iter().map(|name| Before::There(plain(name)))),
            Consequence::Uninstall(names) => before.extend(names.iter().map(|name| Before::Gone(Item::software(name)))),
            Consequence::Fail(_) => {}
        }
    }
    for other in policy.conflicting(&software.name).filter_map(|name| policy.software(name)) {
        let other_item = Item::software(&other.name);
        match findings.items.get(&other_item) {
            Some(Finding::Failed { .. }) => before.insert(0, Before::Unknown(other_item)),
            Some(finding)
                if finding.version().is_some_and(|found| are_in_conflict(software, version, other, found)) =>
            {
                before.push(Before::Gone(other_item));
            }
            Some(_) | None => {}
        }
    }
    before
}

fn plain(software: &str) -> Prerequisite {
    Prerequisite { item: Item::software(software), bounds: Bounds::default(), otherwise: Otherwise::Provide }
}

/// Whether a version of one software cannot be beside a version of another, whichever says so.
fn are_in_conflict(one: &Software, version: Option<&str>, other: &Software, found: &str) -> bool {
    let says = |one: &Software, other: &Software, version: Option<&str>| {
        let conflicts = one.conflicts.iter().filter(|conflict| conflict.software == other.name);
        conflicts.into_iter().any(|conflict| conflict.bounds.contain(other.scheme, version))
    };
    says(one, other, Some(found)) || says(other, one, version)
}
