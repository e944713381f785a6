//! A deadline has passed: a worker was lost with the session, or its job was.

use std::time::Duration;

use jiff::Timestamp;

use super::finish::finish;
use super::pause::halt;
use super::{Change, Hold};
use crate::domain::retry::RetryPolicy;
use crate::domain::session::{Session, Status, WaitingOn};
use crate::domain::transition::What;

/// How often a stage may be lost with its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LossPolicy {
    /// So many losses fail the session: it is taken for the cause.
    pub most: i32,
    /// The ceiling of the first wait before it is tried again.
    pub first: Duration,
    /// The ceiling of every wait.
    pub longest: Duration,
}

impl Default for LossPolicy {
    fn default() -> Self {
        LossPolicy { most: 5, first: Duration::from_millis(500), longest: Duration::from_secs(60) }
    }
}

/// Lets a lost stage run again under a new dispatch, or fails the session when it was lost too often; none if nothing
/// was lost. A job that nobody took is nobody's fault and is not counted.
pub fn lose(session: &Session, policy: &LossPolicy, random: f64, by: &str, now: Timestamp) -> Option<Change> {
    session.admitted_at?;
    if session.deadline.is_none_or(|deadline| deadline > now) {
        return None;
    }
    let Some(owner) = &session.owner else {
        let note = "The job was not taken in time; it is published again.";
        let mut change = Change::of(session).record(session, What::Lost, by, note, now);
        let at = change.after.since;
        change = change.wait(WaitingOn::Turn, at);
        keep_if_busy(session, &mut change);
        return Some(change);
    };
    let losses = session.losses + 1;
    if let Some(cancel) = &session.cancel
        && session.run_in_flight.is_none()
    {
        return Some(finish(session, Status::Cancelled, &cancel.by, &cancel.reason, now));
    }
    if losses >= policy.most {
        let note = format!(
            "{} was lost without an answer {losses} times, the last time by worker {owner}: it is taken for the cause.",
            session.stage
        );
        return Some(finish(session, Status::Failed, by, &note, now));
    }
    let note = format!("Worker {owner} did not answer in time.");
    let mut change = Change::of(session).record(session, What::Lost, by, &note, now);
    change.after.losses = losses;
    change.after.last_error = Some(note);
    if session.pause.is_some() && session.run_in_flight.is_none() {
        return Some(halt(change));
    }
    let backoff = RetryPolicy { attempts: i32::MAX, first: policy.first, longest: policy.longest };
    let at = change.after.since;
    let wait = backoff.wait(losses, random).unwrap_or(policy.longest);
    change = change.wait(WaitingOn::Turn, at + wait);
    keep_if_busy(session, &mut change);
    Some(change)
}

/// Something may be going on at the computer: nobody else is to have it meanwhile.
fn keep_if_busy(session: &Session, change: &mut Change) {
    if session.run_in_flight.is_some() {
        change.hold = Hold::Keep;
    }
}
