//! What a session waited for has come.

use jiff::Timestamp;

use super::Change;
use crate::domain::session::{Session, Status, WaitingOn};
use crate::domain::transition::What;

/// Makes a waiting session due now; none if there is nothing to wake. Its computer stays reserved if it was.
pub fn wake(session: &Session, reason: &str, by: &str, now: Timestamp) -> Option<Change> {
    match session.status {
        Status::Pending if session.run_after.is_some_and(|due| due > now) => {}
        Status::Pending | Status::Running | Status::Paused => return None,
        Status::Completed | Status::PartiallyCompleted | Status::Failed | Status::Cancelled | Status::Missed => {
            return None;
        }
    }
    let mut change = Change::of(session).record(session, What::Woken, by, reason, now);
    change.after.waiting_on = Some(WaitingOn::Turn);
    change.after.run_after = Some(change.after.since);
    Some(change)
}
