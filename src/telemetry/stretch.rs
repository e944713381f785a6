//! How the time before a transition was spent: a wait, the wait for a turn, the queue, work, without a gap.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::session::WaitingOn;
use crate::domain::transition::Transition;

/// How the stretch before a transition was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Where it began.
    pub since: Timestamp,
    /// Until when the session waited for [`Stretch::reason`].
    pub due: Timestamp,
    /// Until when it waited for its turn.
    pub admitted: Timestamp,
    /// Until when its job lay in the queue. From here on a worker had it.
    pub taken: Timestamp,
    /// Where it ended.
    pub at: Timestamp,
    /// What it waited for first; none if it was paused.
    pub reason: Option<WaitingOn>,
}

impl Stretch {
    /// Divides the stretch before a transition. Times that are out of order are put in order, so that the parts always
    /// add up.
    pub fn of(row: &Transition) -> Stretch {
        let (since, at) = (row.since, row.at.max(row.since));
        let within = |time: Timestamp, from: Timestamp| time.clamp(from, at);
        // A part whose end is absent is the last one: what would come after it has no length. A dispatch that was
        // admitted in an earlier stretch was in the queue, or in work, from the beginning of this one.
        let (due, admitted) = match (row.due_at, row.admitted_at, row.taken_at) {
            (_, None, Some(_)) => (since, since),
            (due, Some(admitted), _) => {
                let admitted = within(admitted, since);
                (due.map_or(admitted, |due| due.clamp(since, admitted)), admitted)
            }
            (due, None, None) => (due.map_or(at, |due| within(due, since)), at),
        };
        // One that waits for its turn does so from the beginning.
        let due = if row.waited_on == Some(WaitingOn::Turn) { since } else { due };
        let taken = row.taken_at.map_or(at, |taken| within(taken, admitted));
        Stretch { since, due, admitted, taken, at, reason: row.waited_on }
    }
}

/// The length from one time to a later one.
pub fn length(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
