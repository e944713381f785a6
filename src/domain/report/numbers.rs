//! Our words for an action as the numbers that clients of an older product know. `schemas/manual/outcomes.md` is the table.

use serde::{Deserialize, Serialize};

use super::action::ActionLine;
use crate::domain::{ActionResult, ActionType, ItemKind, Reason};

/// An action in numbers; what has no number of its own is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// What is done.
    #[serde(rename = "type")]
    pub kind: u8,
    /// How far it is.
    pub status: u8,
    /// Why it is planned.
    pub reason: u8,
    /// How it ended.
    pub result: u8,
    /// Why it ended so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_reason: Option<u8>,
}

impl Numbers {
    /// An action in numbers; none if it was written by a version that knew other words.
    pub fn of(line: &ActionLine) -> Option<Numbers> {
        let item = if line.item.starts_with("task/") { ItemKind::Task } else { ItemKind::Software };
        let action: ActionType = line.action.parse().ok()?;
        let result: Option<ActionResult> = line.result.as_ref().and_then(|word| word.parse().ok());
        let result_reason: Option<Reason> = line.result_reason.as_ref().and_then(|word| word.parse().ok());
        Some(Numbers {
            kind: of_type(action, item),
            status: of_status(&line.status, result),
            reason: of_reason(line.why.parse().ok()?, item),
            result: of_result(result),
            result_reason: result_reason.and_then(|reason| of_result_reason(reason, item)),
        })
    }
}

/// Auditing and watching are things only tasks have a number for.
fn of_type(action: ActionType, item: ItemKind) -> u8 {
    match (action, item) {
        (ActionType::Nothing, _) | (ActionType::Audit | ActionType::Monitor, ItemKind::Software) => 0,
        (ActionType::Install, _) => 1,
        (ActionType::Update, _) => 2,
        (ActionType::Uninstall, _) => 3,
        (ActionType::Download, _) => 4,
        (ActionType::Reinstall, _) => 5,
        (ActionType::Downgrade, _) => 6,
        (ActionType::EnforceTask, _) => 8,
        (ActionType::Monitor, ItemKind::Task) => 9,
        (ActionType::Audit, ItemKind::Task) => 10,
    }
}

fn of_status(status: &str, result: Option<ActionResult>) -> u8 {
    match (status, result) {
        ("done", Some(ActionResult::Skipped)) => 7,
        ("done", _) => 4,
        ("started", _) => 2,
        _ => 8,
    }
}

fn of_result(result: Option<ActionResult>) -> u8 {
    match result {
        None | Some(ActionResult::Skipped) => 0,
        Some(ActionResult::Success) => 1,
        Some(ActionResult::Failed) => 2,
        Some(ActionResult::Cancelled) => 3,
        Some(ActionResult::Indeterminate) => 4,
    }
}

fn of_reason(reason: Reason, item: ItemKind) -> u8 {
    match (reason, item) {
        (Reason::Missing, _) => 0,
        (Reason::UpdateAvailable, _) => 1,
        (Reason::AlreadyAsDesired, ItemKind::Software) => 2,
        (Reason::NotAssigned, _) => 3,
        (Reason::TestFailed, _) => 4,
        (Reason::Unwanted, _) => 5,
        (Reason::OlderWanted, _) => 6,
        (Reason::NoApplicableVersion, _) => 7,
        (Reason::NotDetected | Reason::DetectionFailed | Reason::OnlyResolved, _) => 9,
        (Reason::Configures, _) => 10,
        (Reason::NotCompliant, ItemKind::Task) => 11,
        (Reason::Recorded, ItemKind::Task) => 12,
        (Reason::NotSatisfied, _) => 13,
        (Reason::AlreadyAsDesired, ItemKind::Task) => 14,
        (Reason::RepairTriggered, _) => 16,
        // Why nothing is done is said by the result's reason.
        _ => 8,
    }
}

fn of_result_reason(reason: Reason, item: ItemKind) -> Option<u8> {
    match (reason, item) {
        (Reason::NoLicenceAvailable, _) => Some(0),
        (Reason::NoApplicableVersion, _) => Some(1),
        (Reason::DetectionFailed, _) => Some(2),
        (Reason::NotCompliant | Reason::VerifyFailed | Reason::NotSatisfied, ItemKind::Task) => Some(4),
        (Reason::Done | Reason::AlreadyAsDesired, ItemKind::Task) => Some(5),
        (Reason::TaskSetIsMissing, _) => Some(6),
        (Reason::TaskTestIsMissing, _) => Some(7),
        (Reason::TaskGetIsMissing, _) => Some(8),
        (Reason::RebootNotAllowed, _) => Some(12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCS: &str = include_str!("../../../schemas/manual/outcomes.md");

    /// `1`, or `1 (task: 2)` where a task has another one.
    fn cell(of: impl Fn(ItemKind) -> Option<u8>) -> String {
        let word = |number: Option<u8>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        match (of(ItemKind::Software), of(ItemKind::Task)) {
            (software, task) if software == task => word(task),
            (software, task) => format!("{} (task: {})", word(software), word(task)),
        }
    }

    #[test]
    fn the_table_of_the_docs_is_what_is_served() {
        let mut missing = Vec::new();
        let mut row = |row: String| {
            if !DOCS.lines().any(|line| line == row) {
                missing.push(row);
            }
        };
        for action in ActionType::ALL {
            row(format!("| `{action}` | {} |", cell(|item| Some(of_type(*action, item)))));
        }
        for result in ActionResult::ALL {
            row(format!("| `{result}` | {} | {} |", of_result(Some(*result)), of_status("done", Some(*result))));
        }
        for reason in Reason::ALL {
            let why = cell(|item| Some(of_reason(*reason, item)));
            row(format!("| `{reason}` | {why} | {} |", cell(|item| of_result_reason(*reason, item))));
        }
        assert!(missing.is_empty(), "schemas/manual/outcomes.md lacks:\n{}", missing.join("\n"));
    }
}
