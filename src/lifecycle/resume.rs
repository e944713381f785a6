//! Someone lets a paused session go on.

use jiff::Timestamp;

use super::Change;
use crate::domain::session::{Session, Status, WaitingOn};
use crate::domain::transition::What;

/// Lets a session go on where it halted, or takes back a pause that has not come into force; none if it is not paused.
pub fn resume(session: &Session, by: &str, reason: &str, now: Timestamp) -> Option<Change> {
    session.pause.as_ref()?;
    let mut change = Change::of(session).record(session, What::Resumed, by, reason, now);
    change.after.pause = None;
    match session.status {
        Status::Paused => {
            let at = change.after.since;
            change.after.status = Status::Pending;
            change.after.waiting_on = Some(WaitingOn::Turn);
            change.after.run_after = Some(at);
        }
        Status::Pending | Status::Running => {}
        Status::Completed | Status::PartiallyCompleted | Status::Failed | Status::Cancelled | Status::Missed => {
            return None;
        }
    }
    Some(change)
}
