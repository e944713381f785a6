//! What items need of each other: where one stands, and whether that will do for another.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    ActionResult, ActionType, DesiredState, Finding, Findings, Item, ItemKind, Mode, Otherwise, Policy, Prerequisite,
    Reason, Scheme, Version, Want,
};
use crate::resolve::{Because, Wanted};

use super::decide::Decision;

/// Where an item stands once it has been visited.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Standing {
    /// It is as it should be, in this version if it is a software.
    There(Option<String>),
    /// It is there in this version, and not as it should be or nobody's business.
    Left(Option<String>),
    /// It will be there after this action, in this version if one is pinned.
    Planned(u32, Option<String>),
    /// It is not there or will not be, and that is as a deployment wants it.
    Unwanted,
    /// It is not to be had; its own entry says why.
    NotToBeHad,
    /// It does not exist, or not for this operating system.
    NotWantedHere,
}

impl Standing {
    /// Where an item stands that is nobody's business.
    pub(super) fn of_idle(finding: Option<&Finding>) -> Standing {
        match finding {
            Some(Finding::Present(version) | Finding::Broken(version)) => Standing::Left(Some(version.clone())),
            Some(Finding::Satisfied(true)) => Standing::Left(None),
            None | Some(Finding::Absent | Finding::Satisfied(false) | Finding::Value(_) | Finding::Failed { .. }) => {
                Standing::Unwanted
            }
        }
    }
}

/// Why an item cannot be worked on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lack {
    pub result: ActionResult,
    pub reason: Reason,
    pub message: String,
}

impl Lack {
    pub(super) fn failed(reason: Reason, message: String) -> Lack {
        Lack { result: ActionResult::Failed, reason, message }
    }

    /// It needs an item whose own entry says what is wrong.
    pub(super) fn skipped(needed: &Item) -> Lack {
        let message = format!("It needs {needed}, which is not to be had.");
        Lack { result: ActionResult::Skipped, reason: Reason::PrerequisiteFailed, message }
    }
}

/// Whether what an item needs is or will be there: the action to wait for, if any, or why not.
///
/// `scheme` is that of the needed software.
pub(super) fn met(prerequisite: &Prerequisite, scheme: Scheme, standing: &Standing) -> Result<Option<u32>, Lack> {
    let Prerequisite { item, at_least, otherwise } = prerequisite;
    let will_do = |version: Option<&str>| {
        at_least.as_ref().is_none_or(|least| Want::AtLeast(least.clone()).is_met_by(scheme, version))
    };
    let needed = match at_least {
        Some(least) => format!("It needs {item} in version {least} or newer"),
        None => format!("It needs {item}"),
    };
    let conflict = |found: String| Lack::failed(Reason::PrerequisiteConflict, format!("{needed}, {found}."));
    match standing {
        Standing::There(version) | Standing::Left(version) if will_do(version.as_deref()) => Ok(None),
        Standing::Planned(seq, version) if version.is_none() || will_do(version.as_deref()) => Ok(Some(*seq)),
        Standing::There(version) | Standing::Left(version) => {
            Err(conflict(format!("and {} is installed", version.as_deref().unwrap_or("an unknown version"))))
        }
        Standing::Planned(_, version) => {
            Err(conflict(format!("and {} is going to be installed", version.as_deref().unwrap_or("another version"))))
        }
        Standing::Unwanted if *otherwise == Otherwise::Fail => {
            Err(Lack::failed(Reason::PrerequisiteFailed, format!("{needed}, which is not there.")))
        }
        Standing::Unwanted => Err(conflict("which a deployment wants absent or left alone".into())),
        Standing::NotToBeHad => Err(Lack::skipped(item)),
        Standing::NotWantedHere => {
            let message = format!("{needed}, which does not exist for this operating system.");
            Err(Lack::failed(Reason::PrerequisiteFailed, message))
        }
    }
}

/// True if an item with this decision has use for its prerequisites.
pub(super) fn wants_prerequisites(decision: &Decision) -> bool {
    match decision {
        Decision::Act(draft) => draft.action != ActionType::Uninstall,
        Decision::Compliant { .. } => true,
        Decision::Idle | Decision::Settle(_) => false,
    }
}

/// What an item needs.
pub(super) fn requires<'a>(policy: &'a Policy, item: &Item) -> &'a [Prerequisite] {
    match item.kind {
        ItemKind::Software => policy.software(&item.name).map_or(&[], |software| &software.requires),
        ItemKind::Task => policy.task(&item.name).map_or(&[], |task| &task.requires),
    }
}

/// The wanted software that a task configures.
pub(super) fn configured_by(wanted: &BTreeMap<&Item, &Wanted>, policy: &Policy, task: &Item) -> Vec<Item> {
    if task.kind != ItemKind::Task {
        return Vec::new();
    }
    let configures = |software: &Item| {
        software.kind == ItemKind::Software
            && policy.software(&software.name).and_then(|software| software.configuration.as_ref()) == Some(&task.name)
    };
    wanted.keys().filter(|item| configures(item)).map(|item| (*item).clone()).collect()
}

/// True if the winning deployment wants the item gone.
pub(super) fn wants_absent(wanted: &Wanted) -> bool {
    wanted.because == Because::Deployed && wanted.deployment.state == DesiredState::Absent
}

/// How an item should be, all things considered: its own deployment, or what others need of it.
pub(super) fn effective(
    wanted: &Wanted,
    scheme: Scheme,
    all: &BTreeMap<&Item, &Wanted>,
    findings: &Findings,
) -> (DesiredState, Mode) {
    let mode = wanted.deployment.mode;
    let is_called_for = || {
        wanted.demands.iter().any(|demand| {
            demand.otherwise == Otherwise::Provide && is_active(&demand.by, all, findings, &mut BTreeSet::new())
        })
    };
    match (&wanted.because, &wanted.deployment.state) {
        // What is only to be updated where it is found is installed all the same where another item needs it.
        (Because::Deployed, DesiredState::UpdateIfFound) if is_called_for() => (DesiredState::Latest, mode),
        (Because::Deployed, state) => (state.clone(), mode),
        (Because::Configures(_), _) => (DesiredState::Any, mode),
        (Because::NeededBy(_), _) if !is_called_for() => (DesiredState::Ignored, mode),
        (Because::NeededBy(_), _) => {
            let least =
                wanted.demands.iter().filter_map(|demand| Version::parse(scheme, demand.at_least.as_ref()?)).max();
            (least.map_or(DesiredState::Any, |least| DesiredState::NewerOrEqual(least.to_string())), mode)
        }
    }
}

/// True unless an item is only to be updated where it is found, and is not found, and nothing active needs it.
fn is_active(item: &Item, all: &BTreeMap<&Item, &Wanted>, findings: &Findings, seen: &mut BTreeSet<Item>) -> bool {
    let Some(wanted) = all.get(item) else { return false };
    if !seen.insert(item.clone()) {
        return false;
    }
    let found = findings.items.get(item).is_some_and(|finding| finding.version().is_some());
    match (&wanted.because, &wanted.deployment.state) {
        (Because::Deployed, DesiredState::UpdateIfFound) if !found => {
            wanted.demands.iter().any(|demand| is_active(&demand.by, all, findings, seen))
        }
        (Because::Deployed | Because::Configures(_), _) => true,
        (Because::NeededBy(_), _) => wanted.demands.iter().any(|demand| is_active(&demand.by, all, findings, seen)),
    }
}
