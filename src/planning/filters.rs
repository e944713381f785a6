//! The scripts of groups: which of them a computer is asked, in the run in which detection looks at it, and what it says.
//!
//! They come first in that run and bear no item, so that they are known by their place. What the computer answers is
//! stored with the result of detection; the stages after it, previews and explanations read the same stored answer.

use std::collections::BTreeMap;

use pitcrew_protocol::said::line_of;
use pitcrew_protocol::{RunOutcome, StepKind, StepStatus, Then};

use crate::domain::run::WorkSpec;
use crate::domain::session::Session;
use crate::domain::{Answered, Computer, Findings, Item, Policy, ScriptAnswer, ScriptUse, StepSpec};
use crate::resolve::{self, Resolution};

use super::detection::looks;

/// How long the script of a group may take by default, in milliseconds. Every session that looks may have to wait for it.
const FILTER_MS: u64 = 30_000;

/// A group whose script a computer is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The group.
    pub group: String,
    /// Its script, for the computer's operating system.
    pub script: ScriptUse,
}

/// The groups whose scripts a computer is to be asked: those on which it depends what this session does, and that have no
/// answer of this script that is young enough. With `inventory` it is all on which it depends what any session does.
pub fn asked(policy: &Policy, computer: &Computer, session: &Session, inventory: bool) -> Vec<Asked> {
    let filters = policy.groups().iter().filter_map(|group| Some((&group.name, group.filter()?)));
    let mut filters = filters.filter(|(_, filter)| filter.is_for(computer.os)).peekable();
    if filters.peek().is_none() {
        return Vec::new();
    }
    let undecided = resolve::undecided(policy, computer, (!inventory).then_some(session));
    filters
        .filter(|(name, _)| undecided.contains(name.as_str()))
        .filter(|(name, filter)| inventory || filter.is_due(computer.answers.get(*name), computer.os))
        .map(|(name, filter)| Asked { group: name.clone(), script: filter.script.on(computer.os) })
        .collect()
}

/// The steps that ask. No step stops the others.
pub fn filter_steps(asked: &[Asked]) -> Vec<StepSpec> {
    let step = |Asked { group, script }: &Asked| StepSpec {
        kind: StepKind::Test,
        item: None,
        timeout_ms: script.timeout_ms.unwrap_or(FILTER_MS),
        work: WorkSpec::Script {
            script: script.clone(),
            env: [("PITCREW_GROUP".to_owned(), group.clone())].into(),
            secrets: Default::default(),
            files: Default::default(),
        },
        then: Then::GoOn,
    };
    asked.iter().map(step).collect()
}

/// What a run that begins with these steps has answered.
pub fn answers(asked: &[Asked], outcome: &RunOutcome) -> BTreeMap<String, Answered> {
    let answers = asked.iter().zip(&outcome.steps).map(|(Asked { group, script }, step)| {
        let observed = step.observed.as_deref().map(str::to_ascii_lowercase);
        let (holds, says) = match (&step.status, observed.as_deref()) {
            (StepStatus::Failed { message, .. }, _) => (None, message.clone()),
            (_, Some("true")) => (Some(true), String::new()),
            (_, Some("false")) => (Some(false), String::new()),
            (_, other) => (None, format!("It printed neither true nor false, but \"{}\".", other.unwrap_or_default())),
        };
        (group.clone(), Answered { holds, script: script.hash, says: line_of(&says) })
    });
    answers.collect()
}

/// The groups whose scripts have told the session to stop, which is not theirs to say.
pub fn told_to_stop<'a>(asked: &'a [Asked], outcome: &RunOutcome) -> Vec<&'a str> {
    let told = asked.iter().zip(&outcome.steps).filter(|(_, step)| step.said.stop.is_some());
    told.map(|(asked, _)| asked.group.as_str()).collect()
}

/// A computer as it is known with these answers.
pub fn knowing(computer: &Computer, answers: &BTreeMap<String, Answered>) -> Computer {
    let mut computer = computer.clone();
    for (group, answered) in answers {
        let known = ScriptAnswer::after(computer.answers.get(group), answered);
        computer.answers.insert(group.clone(), known);
    }
    computer
}

/// What detection looks for while some answers are not known yet: what is wanted as things are known, and what would be if
/// all that is asked held, or none of it. To look for more than is wanted does no harm.
pub fn looked_for(policy: &Policy, computer: &Computer, session: &Session, asked: &[Asked]) -> Resolution {
    let mut all = resolve::for_session(policy, computer, session);
    if asked.is_empty() {
        return all;
    }
    for holds in [true, false] {
        let supposed = asked.iter().map(|one| {
            let answered = Answered { holds: Some(holds), script: one.script.hash, says: String::new() };
            (one.group.clone(), answered)
        });
        let supposed = knowing(computer, &supposed.collect());
        for wanted in resolve::for_session(policy, &supposed, session).wanted {
            if all.wanted.iter().all(|known| known.item != wanted.item) {
                all.wanted.push(wanted);
            }
        }
    }
    all.wanted.sort_by(|one, other| one.item.cmp(&other.item));
    all
}

/// Takes out of findings what was asked otherwise than it would be now that the answers are known, with other parameters
/// perhaps: it is wanted by another deployment then. The next session takes that up.
pub fn keep_what_counts(findings: &mut Findings, policy: &Policy, looked_for: &Resolution, resolution: &Resolution) {
    let steps = |of: &Resolution, item: &Item| {
        let wanted = of.wanted.iter().find(|wanted| wanted.item == *item)?;
        Some(looks(policy, wanted, of.os))
    };
    findings.items.retain(|item, _| match (steps(resolution, item), steps(looked_for, item)) {
        (Some(now), Some(asked)) => now.iter().all(|step| asked.contains(step)),
        (None, _) | (_, None) => false,
    });
    let Findings { items, children, versions, unanswered, .. } = findings;
    children.retain(|item, _| items.contains_key(item));
    versions.retain(|software, _| items.contains_key(&Item::software(software)));
    unanswered.retain(|software, _| items.contains_key(&Item::software(software)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_script_does_not_say_is_one_short_line() {
        let script: ScriptUse =
            serde_json::from_value(serde_json::json!({"hash": "0".repeat(64), "interpreter": "sh"})).unwrap();
        let outcome = serde_json::json!({
            "run_id": "00000000-0000-0000-0000-000000000000", "session": 1, "epoch": 1, "boot_id": "b",
            "started_at": "2026-11-21T00:00:00Z", "ended_at": "2026-11-21T00:00:00Z", "ending": {"how": "completed"},
            "steps": [{"kind": "test", "item": "", "started_at": "2026-11-21T00:00:00Z", "duration_ms": 1,
                "status": {"is": "failed", "code": "io", "message": format!("no\nway{}", "x".repeat(100_000))}}],
        });
        let asked = [Asked { group: "g".to_owned(), script }];
        let answers = answers(&asked, &serde_json::from_value(outcome).unwrap());
        assert_eq!(answers["g"].says.len(), 500);
        assert!(answers["g"].holds.is_none() && answers["g"].says.starts_with("no wayx"));
    }
}
