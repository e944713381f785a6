//! Someone calls a session off.

use jiff::Timestamp;

use super::Change;
use super::finish::finish;
use crate::domain::session::{Intent, Session, Status, WaitingOn};
use crate::domain::transition::What;

/// Cancels at once what no worker and no computer is busy with; asks the worker otherwise, and wakes a parked session
/// so that a worker kills what is in flight. None if it was asked for before.
pub fn cancel(session: &Session, intent: Intent, now: Timestamp) -> Option<Change> {
    if session.cancel.is_some() {
        return None;
    }
    let busy = session.run_in_flight.is_some();
    match session.status {
        Status::Pending | Status::Paused if !busy => {
            Some(finish(session, Status::Cancelled, &intent.by, &intent.reason, now))
        }
        Status::Running => {
            let mut change = Change::of(session).record(session, What::CancelAsked, &intent.by, &intent.reason, now);
            change.after.cancel = Some(intent);
            Some(change)
        }
        Status::Pending | Status::Paused => {
            let mut change = Change::of(session).record(session, What::CancelAsked, &intent.by, &intent.reason, now);
            change.after.cancel = Some(intent);
            if session.admitted_at.is_none() {
                let at = change.after.since;
                change.after.status = Status::Pending;
                change.after.waiting_on = Some(WaitingOn::Turn);
                change.after.run_after = Some(at);
            }
            Some(change)
        }
        Status::Completed | Status::PartiallyCompleted | Status::Failed | Status::Cancelled | Status::Missed => None,
    }
}
