//! A session becomes final.

use jiff::Timestamp;

use super::{Change, Hold};
use crate::domain::session::{Session, Status};
use crate::domain::transition::What;

/// Ends a session; its computer is free for the next one.
pub fn finish(session: &Session, status: Status, by: &str, note: &str, now: Timestamp) -> Change {
    debug_assert!(status.is_final());
    let mut change = Change::of(session).record(session, What::Finished, by, note, now);
    change.withdraw();
    let after = &mut change.after;
    after.status = status;
    after.waiting_on = None;
    after.run_after = None;
    after.run_in_flight = None;
    after.finished_at = Some(after.since);
    after.last_error = match status {
        Status::Failed | Status::PartiallyCompleted | Status::Missed => Some(note.to_owned()).filter(|n| !n.is_empty()),
        Status::Completed | Status::Cancelled | Status::Pending | Status::Running | Status::Paused => None,
    };
    change.hold = Hold::Release;
    change
}
