//! A step or a reboot goes on at the computer, longer than a worker waits.

use jiff::Timestamp;

use super::Change;
use crate::domain::session::{Session, WaitingOn};
use crate::domain::transition::What;

/// Lets go of the worker and keeps the computer. The session is woken by the outcome, or at `due` at the latest.
///
/// `outcome_is_here` says that the outcome has arrived in the meantime: then the session is due at once, so that
/// neither side can miss the other (both hold the session's row when they look).
pub fn park(
    session: &Session,
    waiting_on: WaitingOn,
    due: Timestamp,
    outcome_is_here: bool,
    reason: &str,
    by: &str,
    now: Timestamp,
) -> Change {
    let change = Change::of(session).record(session, What::Parked, by, reason, now);
    let at = change.after.since;
    // A cancel or pause in the meantime is seen to at once by the worker that takes it next.
    let due = if outcome_is_here || session.cancel.is_some() || session.pause.is_some() { at } else { due };
    change.wait(waiting_on, due)
}
