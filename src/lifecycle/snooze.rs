//! A stage was put off without fault: the computer is offline, a limit was reached, the worker shuts down.

use std::time::Duration;

use jiff::Timestamp;

use super::Change;
use super::finish::finish;
use super::pause::halt;
use crate::domain::session::{Session, Status, WaitingOn};
use crate::domain::transition::What;

/// When a session looks again at a computer that has just connected.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

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

/// The computer has connected while its session was being put off for want of a connection: it is looked at again soon.
/// Not at once, for what was noted as a connection may be gone already.
pub fn connection_is_here(change: &mut Change) {
    let soon = change.after.since + LOOK_AGAIN;
    change.after.run_after = change.after.run_after.map(|due| due.min(soon));
}
