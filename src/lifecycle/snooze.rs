//! A stage was put off without fault: the computer is offline, a limit was reached, the worker shuts down.

use jiff::Timestamp;

use super::Change;
use super::finish::finish;
use super::pause::halt;
use crate::domain::session::{Session, Status, WaitingOn};
use crate::domain::transition::What;

/// Puts a session off until `until` at the latest. No attempt is spent.
pub fn snooze(
    session: &Session,
    waiting_on: WaitingOn,
    until: Timestamp,
    reason: &str,
    by: &str,
    now: Timestamp,
) -> Change {
    if let Some(cancel) = &session.cancel
        && session.run_in_flight.is_none()
    {
        return finish(session, Status::Cancelled, &cancel.by, &cancel.reason, now);
    }
    let change = Change::of(session).record(session, What::Snoozed, by, reason, now);
    if session.pause.is_some() && session.run_in_flight.is_none() {
        return halt(change);
    }
    let mut change = change.wait(waiting_on, until);
    if session.run_in_flight.is_some() {
        // Something may be going on at the computer: nobody else is to have it meanwhile.
        change.hold = super::Hold::Keep;
    }
    change
}
