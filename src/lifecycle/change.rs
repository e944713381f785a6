//! What a decision yields: the session as it should be, and what has to happen with it in the same transaction.

use jiff::Timestamp;

use crate::domain::job::{JOB_VERSION, Job};
use crate::domain::session::{Session, Status, WaitingOn};
use crate::domain::transition::{Transition, What};

/// A decided change of a session. It is written only if the session's revision is still `before`.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The revision that the decision was made on.
    pub before: i32,
    /// The session as it should be.
    pub after: Session,
    /// The timeline entry; a claim and an admission have none, their times are part of the next one.
    pub transition: Option<Transition>,
    /// What becomes of the computer's reservation.
    pub hold: Hold,
    /// The job to publish once this is committed.
    pub publish: Option<Job>,
}

/// What becomes of the computer's reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Nothing.
    Keep,
    /// The session takes it, or keeps it if it has it.
    Take,
    /// The session gives it back, if it has it.
    Release,
}

impl Change {
    /// Starts from the session as it is; the revision rises.
    pub(super) fn of(session: &Session) -> Change {
        let mut after = session.clone();
        after.revision += 1;
        Change { before: session.revision, after, transition: None, hold: Hold::Keep, publish: None }
    }

    /// Ends the present stretch of the timeline with `what`, and begins the next one at `now`.
    ///
    /// Clocks of several processes meet here; time never runs backwards in a timeline.
    pub(super) fn record(mut self, session: &Session, what: What, by: &str, note: &str, now: Timestamp) -> Change {
        let since = session.since;
        let at = now.max(since).max(session.taken_at.unwrap_or(since)).max(session.admitted_at.unwrap_or(since));
        let in_stretch = |time: Option<Timestamp>| time.filter(|time| *time >= since);
        let admitted_at = in_stretch(session.admitted_at);
        self.transition = Some(Transition {
            seq: self.after.revision,
            what,
            at,
            since,
            stage: session.stage,
            dispatch: session.dispatch,
            waited_on: match (admitted_at, session.status) {
                (Some(_), _) => session.waited_on,
                (None, Status::Pending) => session.waiting_on,
                (None, _) => None,
            },
            due_at: match admitted_at {
                Some(admitted) => in_stretch(session.due_at).map(|due| due.min(admitted)),
                None => in_stretch(session.run_after).map(|due| due.min(at)),
            },
            admitted_at,
            taken_at: session.taken_at.map(|taken| taken.max(since)),
            by: by.to_owned(),
            note: note.to_owned(),
            traceparent: None,
        });
        self.after.since = at;
        self
    }

    /// Lets the session wait for `reason`, out of every worker's hands, until `run_after`.
    pub(super) fn wait(mut self, reason: WaitingOn, run_after: Timestamp) -> Change {
        self.withdraw();
        self.after.status = Status::Pending;
        self.after.waiting_on = Some(reason);
        self.after.run_after = Some(run_after);
        self.hold = if reason.keeps_hold() { Hold::Keep } else { Hold::Release };
        self
    }

    /// Sends the session's stage to the workers under a new dispatch; someone has to take it until `deadline`.
    pub(super) fn dispatch(mut self, now: Timestamp, deadline: Timestamp) -> Change {
        let after = &mut self.after;
        after.status = Status::Pending;
        after.waiting_on = Some(WaitingOn::Turn);
        after.dispatch += 1;
        after.run_after = None;
        after.admitted_at = Some(now);
        after.taken_at = None;
        after.owner = None;
        after.deadline = Some(deadline);
        self.publish = Some(Job {
            v: JOB_VERSION,
            session: after.id,
            tenant: after.tenant,
            stage: after.stage,
            dispatch: after.dispatch,
        });
        self
    }

    /// Takes the session out of the workers' hands: the current dispatch counts no more.
    pub(super) fn withdraw(&mut self) {
        let after = &mut self.after;
        if after.admitted_at.is_some() {
            after.dispatch += 1;
        }
        after.waited_on = None;
        after.due_at = None;
        after.admitted_at = None;
        after.taken_at = None;
        after.owner = None;
        after.deadline = None;
    }
}
