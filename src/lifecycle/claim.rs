//! A worker meets a job: is it the current one, and may this worker have it?

use std::time::Duration;

use jiff::Timestamp;

use super::Change;
use crate::domain::job::{JOB_VERSION, Job};
use crate::domain::session::{Session, Stage, Status};

/// What is to be done with a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// It is the worker's.
    Take(Box<Change>),
    /// Its stage is done, and the next one's job may never have been published: publish it again, then drop this one.
    Republish(Job),
    /// It counts no more, or another worker has it: drop it. If that worker's lease lapses, rescue sees to it.
    Drop,
}

/// Decides on a job; `session` is none when the session is final. `epoch` was drawn for this claim alone, after the
/// session was read or with it: one that may command the computer does so under this epoch.
pub fn claim(session: Option<&Session>, job: &Job, worker: &str, now: Timestamp, lease: Duration, epoch: i64) -> Claim {
    let Some(session) = session else { return Claim::Drop };
    let untaken = session.admitted_at.is_some() && session.taken_at.is_none();
    if session.dispatch == job.dispatch.saturating_add(1) && session.stage != job.stage && untaken {
        return Claim::Republish(Job {
            v: JOB_VERSION,
            session: session.id,
            tenant: session.tenant,
            stage: session.stage,
            dispatch: session.dispatch,
        });
    }
    if session.dispatch != job.dispatch || session.stage != job.stage || !untaken {
        return Claim::Drop;
    }
    let mut change = Change::of(session);
    let after = &mut change.after;
    // Clocks of several processes meet here; a claim is never before its admission.
    let now = now.max(session.since).max(session.admitted_at.unwrap_or(now));
    after.status = Status::Running;
    after.waiting_on = None;
    after.taken_at = Some(now);
    after.owner = Some(worker.to_owned());
    after.deadline = Some(now + lease);
    after.started_at = session.started_at.or(Some(now));
    match session.stage {
        Stage::Detection | Stage::Execution => after.epoch = epoch,
        Stage::Planning => {}
    }
    Claim::Take(Box::new(change))
}
