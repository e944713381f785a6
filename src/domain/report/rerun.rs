//! Sessions that ran another one again, and how that one stands with them.
//!
//! A final status never changes. What a later session has put right is said beside it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::ActionLine;
use crate::domain::outcome::ActionResult;
use crate::domain::session::{Session, Status};
use crate::domain::{Item, SessionId, Tally};

/// A session that ran another one again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RerunLine {
    /// The session.
    pub session: SessionId,
    /// The item whose action it ran again; absent where it ran all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// When it was asked for.
    pub at: Timestamp,
    /// Where it is.
    pub status: Status,
    /// How the action of that item ended there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ActionResult>,
}

/// What a session would have ended as, had its actions ended as when they were run again; `actions` are its own, of
/// which `compliant` more were in order. None unless one was.
pub fn standing(session: &Session, actions: &[ActionLine], compliant: u32, reruns: &[RerunLine]) -> Option<Status> {
    match session.status {
        Status::Completed | Status::PartiallyCompleted | Status::Failed => {}
        Status::Pending | Status::Running | Status::Paused | Status::Cancelled | Status::Missed => return None,
    }
    // The last one counts, as it would if it had been done within the session.
    let again = |item: &str| {
        let mut of_item = reruns.iter().rev().filter(|rerun| rerun.item.as_deref() == Some(item));
        of_item.find_map(|rerun| rerun.result)
    };
    let latest = actions.iter().map(|action| action.plan).max()?;
    let mut changed = false;
    let results: Vec<ActionResult> = actions
        .iter()
        .filter(|action| action.plan == latest)
        .filter_map(|action| {
            let before = action.result.as_deref().and_then(|result| result.parse().ok());
            let parent = action.item.parse::<Item>().ok().and_then(|item| item.parent());
            let again = match parent {
                None => again(&action.item),
                // What a task's test has named is run again with its task, which leaves alone what has succeeded.
                Some(_) if before == Some(ActionResult::Success) => None,
                Some(parent) => again(&parent.to_string()),
            };
            changed |= again.is_some();
            again.or(before)
        })
        .collect();
    changed.then(|| Tally::of(compliant as usize, results).status())
}
