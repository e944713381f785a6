//! What the findings say of each wanted item, for the record: beside the plan, which only tells what is to be done.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::compliance::State;
use crate::domain::{
    ActionResult, ActionType, Finding, Findings, Item, ItemKind, Judged, Judgement, Plan, PlannedAction, Policy,
    Reason, Settled, Want,
};
use crate::resolve::{Because, Wanted};

use super::choices::Choices;
use super::needs;
use super::versions::{Platform, goal};

/// What the planner has met that has no entry in its plan.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Items that are as they should be, with their versions and how they should be.
    pub compliant: BTreeMap<Item, (Option<String>, Want)>,
    /// Items that are left alone.
    pub idle: BTreeSet<Item>,
}

/// Judges every wanted item. It is complete as far as `wanted` is, which the caller knows.
pub(super) fn judge(
    plan: &Plan,
    seen: &Seen,
    wanted: &BTreeMap<&Item, &Wanted>,
    choices: &Choices<'_>,
    policy: &Policy,
    platform: Platform<'_>,
    findings: &Findings,
) -> Judgement {
    // Of several actions for one item the first tells what is there, and the last what is wanted.
    let actions: BTreeMap<&Item, &PlannedAction> =
        plan.actions.iter().rev().map(|action| (&action.item, action)).collect();
    let last: BTreeMap<&Item, &PlannedAction> = plan.actions.iter().map(|action| (&action.item, action)).collect();
    let settled: BTreeMap<&Item, &Settled> = plan.settled.iter().map(|settled| (&settled.item, settled)).collect();
    let mut judgement = Judgement { complete: true, ..Judgement::default() };
    for (&item, &wanted_here) in wanted {
        let desired = || {
            if item.kind == ItemKind::Task {
                return Some(told(&Want::Satisfied));
            }
            let software = policy.software(&item.name)?;
            let (state, _) = needs::effective(wanted_here, software.scheme, choices);
            Some(told(&goal(software, platform, &state).ok()?.want))
        };
        let verdict = |state, reason: &str, detected: Option<&String>, desired, pending| Judged {
            item: item.clone(),
            deployment: wanted_here.deployment.name.clone(),
            state,
            reason: reason.to_owned(),
            detected: detected.cloned(),
            desired,
            pending,
        };
        if let Some(action) = actions.get(item) {
            // A configuration that is looked at again after a change has not been looked at for itself; what is repaired
            // because a person asks may well be in order.
            if matches!(action.reason, Reason::Configures | Reason::RepairTriggered) {
                judgement.kept.push(item.clone());
            } else {
                let top = last.get(item).copied().unwrap_or(action);
                let wanted_version = top.version.clone().unwrap_or_else(|| told(&top.want));
                let (reason, detected) = (action.reason.as_str(), action.detected.as_ref());
                judgement.verdicts.push(verdict(State::NonCompliant, reason, detected, Some(wanted_version), true));
            }
        } else if let Some(settled) = settled.get(item) {
            match state_of(settled, findings.items.get(item)) {
                Some(state) => {
                    let (reason, detected) = (settled.reason.as_str(), settled.detected.as_ref());
                    judgement.verdicts.push(verdict(state, reason, detected, desired(), false));
                }
                None => judgement.kept.push(item.clone()),
            }
        } else if let Some((detected, want)) = seen.compliant.get(item) {
            judgement.verdicts.push(verdict(State::Compliant, "", detected.as_ref(), Some(told(want)), false));
        } else if seen.idle.contains(item) {
            // What only might have been needed by another item, and is not, is nobody's business.
            if wanted_here.because == Because::Deployed {
                judgement.verdicts.push(verdict(State::NotJudged, "", None, None, false));
            }
        } else if !matches!(&wanted_here.because, Because::Configures(software) if seen.idle.contains(software)) {
            judgement.kept.push(item.clone());
        }
    }
    judgement
}

/// What an entry without an action says; none if it was not looked at.
fn state_of(settled: &Settled, finding: Option<&Finding>) -> Option<State> {
    match settled.reason {
        Reason::NotDetected | Reason::NotEnforced | Reason::NotAssigned => return None,
        Reason::Recorded => return Some(State::NotJudged),
        Reason::DetectionFailed | Reason::ParameterMissing | Reason::PrerequisiteCycle => return Some(State::Unknown),
        _ => {}
    }
    match (settled.result, settled.action, finding) {
        (ActionResult::Success, ..) => Some(State::Compliant),
        (ActionResult::Indeterminate, ..) => Some(State::Unknown),
        // Without a script that looks, nobody knows.
        (_, ActionType::Nothing, None)
            if matches!(
                settled.reason,
                Reason::ScriptMissing | Reason::TaskSetIsMissing | Reason::TaskTestIsMissing | Reason::TaskGetIsMissing
            ) =>
        {
            Some(State::Unknown)
        }
        (ActionResult::Failed | ActionResult::Skipped | ActionResult::Cancelled, ..) => Some(State::NonCompliant),
    }
}

/// What is wanted, in a word or a version.
fn told(want: &Want) -> String {
    match want {
        Want::Absent => "absent".to_owned(),
        Want::Any => "any".to_owned(),
        Want::Exactly(version) => version.clone(),
        Want::AtLeast(version) => format!(">= {version}"),
        Want::AtMost(version) => format!("<= {version}"),
        Want::Satisfied => "satisfied".to_owned(),
    }
}
