//! A session is accepted.

use jiff::Timestamp;

use super::{Change, Hold};
use crate::domain::session::{Kind, Order, Priority, Session, Stage, Status, WaitingOn};
use crate::domain::transition::What;
use crate::domain::{ComputerId, SessionId, TenantId};

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The tenant of the computer.
    pub tenant: TenantId,
    /// The computer.
    pub computer: ComputerId,
    /// What the session is for.
    pub kind: Kind,
    /// How urgent it is.
    pub priority: Priority,
    /// What it is asked to do.
    pub order: Order,
    /// From when on it may start; none: now.
    pub not_before: Option<Timestamp>,
}

/// Accepts a submission under an id that the store has drawn.
pub fn submit(id: SessionId, submission: Submission, now: Timestamp) -> Change {
    let run_after = submission.not_before.filter(|time| *time > now);
    let by = submission.order.by.clone();
    let session = Session {
        id,
        tenant: submission.tenant,
        computer: submission.computer,
        kind: submission.kind,
        priority: submission.priority,
        order: submission.order,
        status: Status::Pending,
        waiting_on: Some(if run_after.is_some() { WaitingOn::Schedule } else { WaitingOn::Turn }),
        stage: submission.kind.stages().first().copied().unwrap_or(Stage::Detection),
        dispatch: 0,
        attempt: 0,
        losses: 0,
        run_after: Some(run_after.unwrap_or(now)),
        waited_on: None,
        due_at: None,
        admitted_at: None,
        taken_at: None,
        owner: None,
        deadline: None,
        epoch: 0,
        run_in_flight: None,
        cancel: None,
        pause: None,
        revision: 0,
        since: now,
        created_at: now,
        started_at: None,
        finished_at: None,
        last_error: None,
    };
    let mut change = Change::of(&session).record(&session, What::Submitted, &by, "", now);
    if let Some(transition) = &mut change.transition {
        transition.waited_on = None;
        transition.due_at = None;
    }
    change.hold = Hold::Keep;
    change
}
