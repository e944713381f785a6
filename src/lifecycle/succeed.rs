//! A stage is done.

use std::time::Duration;

use jiff::Timestamp;

use super::Change;
use super::finish::finish;
use super::pause::halt;
use crate::domain::session::{Session, Stage, Status, WaitingOn};
use crate::domain::transition::What;

/// What follows a stage that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another stage. With `credit` its job goes out at once; without, the session waits for its turn in the database.
    Stage {
        /// The stage.
        stage: Stage,
        /// Its workers can take more.
        credit: bool,
    },
    /// Nothing: the session is final.
    End(Status),
}

/// Moves a session on. A cancel or pause that was asked for meanwhile comes first.
pub fn succeed(session: &Session, next: Next, by: &str, note: &str, now: Timestamp, pickup: Duration) -> Change {
    let (stage, credit) = match next {
        Next::End(status) => return finish(session, status, by, note, now),
        Next::Stage { stage, credit } => (stage, credit),
    };
    if let Some(cancel) = &session.cancel {
        return finish(session, Status::Cancelled, &cancel.by, &cancel.reason, now);
    }
    let mut change = Change::of(session).record(session, What::Advanced, by, note, now);
    let after = &mut change.after;
    after.attempt = 0;
    after.losses = 0;
    after.last_error = None;
    after.run_in_flight = None;
    after.stage = stage;
    if session.pause.is_some() {
        return halt(change);
    }
    let at = change.after.since;
    if credit {
        change.after.waited_on = None;
        change.after.due_at = None;
        change.dispatch(at, at + pickup)
    } else {
        change.wait(WaitingOn::Turn, at)
    }
}
