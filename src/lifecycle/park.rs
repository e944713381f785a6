//! A step or a reboot goes on at the computer, longer than a worker waits.

use std::time::Duration;

use jiff::Timestamp;

use super::Change;
use crate::domain::session::{Session, WaitingOn};
use crate::domain::transition::What;

/// A session that is to be cancelled is looked at so soon again while something is in flight.
const CANCEL_LOOK: Duration = Duration::from_secs(3);

/// Lets go of the worker and keeps the computer. The session is woken by the outcome, or at `due` at the latest.
pub fn park(
    session: &Session,
    waiting_on: WaitingOn,
    due: Timestamp,
    reason: &str,
    by: &str,
    now: Timestamp,
) -> Change {
    let change = Change::of(session).record(session, What::Parked, by, reason, now);
    let at = change.after.since;
    // A cancel is seen to soon, by the worker that takes it next; not at once, for the kill may be on its way already. A
    // pause comes into force when the step has ended.
    let due = if session.cancel.is_some() { due.min(at + CANCEL_LOOK) } else { due };
    change.wait(waiting_on, due)
}

/// The outcome arrived before the session was parked for it: it is due at once. Whoever parks looks for the outcome
/// under the lock of the session's row, and whoever stores an outcome looks for the parked session under the same lock,
/// so that neither can miss the other.
pub fn outcome_is_here(change: &mut Change) {
    change.after.run_after = Some(change.after.since);
}
