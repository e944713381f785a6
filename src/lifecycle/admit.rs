//! A session's turn has come: its stage is sent to the workers.

use std::time::Duration;

use jiff::Timestamp;

use super::{Change, Hold};
use crate::domain::session::Session;

/// One that was lost before may lie so many times as long: whoever takes it may first have to end what it has in work.
const LOST_BEFORE: u32 = 5;

/// Admits a waiting session. `pickup` is how long its job may stay untaken before rescue looks for it.
pub fn admit(session: &Session, now: Timestamp, pickup: Duration) -> Change {
    let pickup = if session.losses > 0 { pickup * LOST_BEFORE } else { pickup };
    let mut change = Change::of(session);
    change.after.waited_on = session.waiting_on;
    change.after.due_at = session.run_after;
    let mut change = change.dispatch(now, now + pickup);
    change.hold = Hold::Take;
    change
}
