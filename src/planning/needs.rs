//! What items need of each other: where one stands, and whether that will do for another.

use std::collections::BTreeMap;

use crate::domain::{
    ActionResult, ActionType, DesiredState, Finding, Item, ItemKind, Mode, Otherwise, Policy, Prerequisite, Reason,
    Scheme, Version,
};
use crate::resolve::{Because, Wanted};

use super::choices::Choices;
use super::decide::Decision;

/// Where an item stands once it has been visited.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Standing {
    /// It is as it should be, in this version if it is a software.
    There(Option<String>),
    /// It is there in this version, and not as it should be or nobody's business.
    Left(Option<String>),
    /// It is there in this version, and which others there are could not be found out; its own entry says why.
    Stuck(String),
    /// It will be there after this action, in this version if one is pinned.
    Planned(u32, Option<String>),
    /// It will be gone after this action.
    Going(u32),
    /// It is not there, and that is as a deployment wants it.
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
    let Prerequisite { item, bounds, otherwise } = prerequisite;
    let will_do = |version: Option<&str>| bounds.contain(scheme, version);
    let needed = format!("It needs {item}{}", bounds.in_words());
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
        Standing::Unwanted | Standing::Going(_) if *otherwise == Otherwise::Fail => {
            Err(Lack::failed(Reason::PrerequisiteFailed, format!("{needed}, which is not there.")))
        }
        Standing::Unwanted | Standing::Going(_) => {
            Err(conflict("which a deployment wants absent or left alone".into()))
        }
        Standing::Stuck(version) if will_do(Some(version)) => Ok(None),
        Standing::Stuck(_) | Standing::NotToBeHad => Err(Lack::skipped(item)),
        Standing::NotWantedHere => {
            let message = format!("{needed}, which does not exist for this operating system.");
            Err(Lack::failed(Reason::PrerequisiteFailed, message))
        }
    }
}

/// Whether an item is or will be gone: the action to wait for, if any, or why not.
pub(super) fn gone(item: &Item, standing: &Standing) -> Result<Option<u32>, Lack> {
    match standing {
        Standing::Going(seq) => Ok(Some(*seq)),
        Standing::Unwanted | Standing::NotWantedHere => Ok(None),
        Standing::NotToBeHad => {
            let message = format!("{item} has to be gone before, and that is not to be had.");
            Err(Lack { result: ActionResult::Skipped, reason: Reason::PrerequisiteFailed, message })
        }
        Standing::There(_) | Standing::Left(_) | Standing::Stuck(_) | Standing::Planned(..) => {
            let message = format!("{item} has to be gone before, and will be there.");
            Err(Lack::failed(Reason::PrerequisiteConflict, message))
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

/// How an item should be, all things considered: its own deployment, what others need of it, and what was chosen.
pub(super) fn effective(wanted: &Wanted, scheme: Scheme, choices: &Choices<'_>) -> (DesiredState, Mode) {
    let mode = wanted.deployment.mode;
    let (goes, comes) = match choices.get(&wanted.item) {
        Some(choice) if choice.changes => (!choice.is_there, choice.is_there),
        Some(_) | None => (false, false),
    };
    let is_called_for = comes || choices.calls().are_for(&wanted.item);
    let state = match (&wanted.because, &wanted.deployment.state) {
        // What is only to be updated where it is found is installed all the same where another item needs it.
        (Because::Deployed, DesiredState::UpdateIfFound) if is_called_for => DesiredState::Latest,
        (Because::Deployed, state) => state.clone(),
        (Because::Configures(_), _) => DesiredState::Any,
        (Because::NeededBy(_), _) if goes => DesiredState::Absent,
        (Because::NeededBy(_), _) if !is_called_for => DesiredState::Ignored,
        (Because::NeededBy(_), _) => {
            let least = choices.calls().least_of(&wanted.item).filter_map(|least| Version::parse(scheme, least)).max();
            least.map_or(DesiredState::Any, |least| DesiredState::NewerOrEqual(least.to_string()))
        }
    };
    (state, mode)
}
