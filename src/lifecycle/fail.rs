//! A stage failed for a reason that may pass.

use jiff::Timestamp;

use super::finish::finish;
use super::pause::halt;
use super::{Change, Hold};
use crate::domain::retry::RetryPolicy;
use crate::domain::session::{Session, Status, WaitingOn};
use crate::domain::transition::What;

/// Counts a failure: the session waits for another attempt, or fails when they are spent. `random` is in `0..1`.
pub fn fail(session: &Session, reason: &str, policy: &RetryPolicy, random: f64, by: &str, now: Timestamp) -> Change {
    let busy = session.run_in_flight.is_some();
    if let Some(cancel) = &session.cancel
        && !busy
    {
        return finish(session, Status::Cancelled, &cancel.by, &cancel.reason, now);
    }
    let attempt = session.attempt + 1;
    let Some(wait) = policy.wait(attempt, random) else {
        let note = format!("{} failed {attempt} times, the last time: {reason}", session.stage);
        return finish(session, Status::Failed, by, &note, now);
    };
    let mut change = Change::of(session).record(session, What::Retried, by, reason, now);
    change.after.attempt = attempt;
    change.after.last_error = Some(reason.to_owned());
    if session.pause.is_some() && !busy {
        return halt(change);
    }
    let at = change.after.since;
    let mut change = change.wait(WaitingOn::Retry, at + wait);
    if busy {
        // Something may be going on at the computer: nobody else is to have it meanwhile.
        change.hold = Hold::Keep;
    }
    change
}
