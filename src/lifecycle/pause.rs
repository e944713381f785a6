//! Someone halts a session; another word lets it go on.

use jiff::Timestamp;

use super::{Change, Hold};
use crate::domain::session::{Intent, Session, Status};
use crate::domain::transition::What;

/// Pauses at once what no worker and no computer is busy with; asks otherwise, and the session halts at the next point
/// between actions. None if it was asked for before.
pub fn pause(session: &Session, intent: Intent, now: Timestamp) -> Option<Change> {
    if session.pause.is_some() || session.status.is_final() || session.status == Status::Paused {
        return None;
    }
    let by = intent.by.clone();
    let reason = intent.reason.clone();
    let waiting = session.status == Status::Pending && session.run_in_flight.is_none();
    let what = if waiting { What::Paused } else { What::PauseAsked };
    let mut change = Change::of(session).record(session, what, &by, &reason, now);
    change.after.pause = Some(intent);
    Some(if waiting { rest(change) } else { change })
}

/// Halts a session for a pause that was asked for while a worker had it. `change` has ended the worker's stretch.
pub(super) fn halt(change: Change) -> Change {
    rest(change)
}

/// Out of the workers' hands, without a time to go on at, its computer free.
fn rest(mut change: Change) -> Change {
    change.withdraw();
    change.after.status = Status::Paused;
    change.after.waiting_on = None;
    change.after.run_after = None;
    change.hold = Hold::Release;
    change
}
