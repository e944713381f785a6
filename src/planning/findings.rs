//! What the answer to a detection run means.

use std::collections::{BTreeMap, BTreeSet};

use pitcrew_protocol::said::{CHILDREN_BYTES_MAX, CHILDREN_MAX};
use pitcrew_protocol::{Child, RunOutcome, StepKind, StepOutcome, StepStatus};

use crate::domain::{Finding, Findings, Item, ItemKind, Policy};
use crate::resolve::Resolution;

use super::answered;
use super::detection::detection;
use super::inventory;
use super::versions::Platform;

/// Reads findings out of the outcome of the run that [`detection`] made. A step that was to be done and has no outcome
/// is a failure to find out.
pub fn findings(resolution: &Resolution, policy: &Policy, outcome: &RunOutcome) -> Findings {
    let is_test = |kind| kind == StepKind::Test;
    let mut seen: BTreeMap<(Item, bool), &StepOutcome> = BTreeMap::new();
    let mut answers: BTreeMap<Item, &StepOutcome> = BTreeMap::new();
    let mut packages: Option<BTreeSet<_>> = None;
    for step in &outcome.steps {
        match step.kind {
            StepKind::Versions => {
                if let Ok(item) = step.item.parse() {
                    answers.insert(item, step);
                }
            }
            StepKind::Inventory => packages.get_or_insert_default().extend(inventory::read(&step.output)),
            StepKind::Detect | StepKind::Test => {
                if let Ok(item) = step.item.parse() {
                    seen.insert((item, is_test(step.kind)), step);
                }
            }
            StepKind::Download | StepKind::Act | StepKind::Verify | StepKind::Set | StepKind::Reboot => {}
        }
    }
    let mut items = BTreeMap::new();
    let mut named = BTreeMap::new();
    let (mut versions, mut unanswered) = (BTreeMap::new(), BTreeMap::new());
    let platform = Platform { os: resolution.os, arch: &resolution.arch };
    for step in detection(resolution, policy, false) {
        let Some(item) = step.item else { continue };
        if step.kind == StepKind::Download {
            // What could not be fetched is said by the script that was to be told of it.
            continue;
        }
        if step.kind == StepKind::Versions {
            let Some(software) = policy.software_of(&item) else { continue };
            // Whether the answer is needed is for planning to know: what is installed may do.
            match answered::read(software, platform, answers.get(&item).copied()) {
                Ok(answer) => versions.insert(item.name, answer).map(drop),
                Err(why) => unanswered.insert(item.name, why).map(drop),
            };
            continue;
        }
        let outcome = seen.get(&(item.clone(), is_test(step.kind))).copied();
        if item.kind == ItemKind::Software && is_test(step.kind) {
            if let Some(Finding::Present(version)) = items.get(&item)
                && outcome.is_some_and(|test| test.status.is_success() && says(test, "false"))
            {
                let broken = Finding::Broken(version.clone());
                items.insert(item, broken);
            }
        } else {
            let finding = outcome.map_or_else(never_looked, |outcome| read(&item, step.kind, outcome));
            if let (Finding::Satisfied(false), Some(outcome)) = (&finding, outcome) {
                named.extend(Some((item.clone(), children(outcome))).filter(|(_, children)| !children.is_empty()));
            }
            items.insert(item, finding);
        }
    }
    Findings {
        policy_version: resolution.policy_version,
        items,
        children: named,
        versions,
        unanswered,
        inventory: packages.map(|packages| packages.into_iter().collect()),
    }
}

fn read(item: &Item, kind: StepKind, outcome: &StepOutcome) -> Finding {
    if let StepStatus::Failed { code, message } = &outcome.status {
        return Finding::Failed { code: code.clone(), message: message.clone() };
    }
    match (item.kind, kind) {
        (ItemKind::Task, StepKind::Test) => Finding::Satisfied(says(outcome, "true")),
        (ItemKind::Task, _) => Finding::Value(outcome.observed.clone().unwrap_or_default()),
        (ItemKind::Software, _) => outcome.observed.clone().map_or(Finding::Absent, Finding::Present),
    }
}

/// What a test has named, within the same bounds that the agent keeps: what a computer says is not trusted.
fn children(outcome: &StepOutcome) -> Vec<Child> {
    let (mut keys, mut bytes) = (BTreeSet::new(), 0);
    let fit = outcome.said.children.iter().filter(|child| child.fault().is_none() && keys.insert(&child.key));
    let within = fit.take(CHILDREN_MAX).take_while(|child| {
        bytes += child.size();
        bytes <= CHILDREN_BYTES_MAX
    });
    within.cloned().collect()
}

fn never_looked() -> Finding {
    Finding::Failed { code: "interrupted".into(), message: "The run ended before it was looked at.".into() }
}

/// True if the last line of a test is this word.
pub(super) fn says(outcome: &StepOutcome, word: &str) -> bool {
    outcome.observed.as_deref().is_some_and(|observed| observed.eq_ignore_ascii_case(word))
}
