//! A session's timeline: what happened, and the waits and the work in between, which together are its whole life.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::session::{Session, Stage, Status, WaitingOn};
use crate::domain::transition::{Transition, What};
use crate::domain::words::words;

/// A transition and the status that it led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransitionLine {
    /// What happened.
    #[serde(flatten)]
    pub transition: Transition,
    /// The session's status after it.
    pub status: Status,
}

words! {
    /// What a session did in a part of its life.
    Doing {
        /// It waited for something.
        Wait = "wait",
        /// Its job lay in the queue.
        Queue = "queue",
        /// A worker had it.
        Work = "work",
        /// A person had halted it.
        Paused = "paused",
    }
}

/// A part of a session's life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// What it did.
    pub doing: Doing,
    /// What it waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_on: Option<WaitingOn>,
    /// In which stage.
    pub stage: Stage,
    /// The beginning.
    pub from: Timestamp,
    /// The end: the beginning of the next part.
    pub to: Timestamp,
    /// True of the part that still goes on.
    #[serde(default)]
    pub open: bool,
}

impl Part {
    /// Its length in milliseconds.
    pub fn ms(&self) -> i64 {
        self.to.as_millisecond() - self.from.as_millisecond()
    }
}

/// How long the parts are together, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Sums {
    /// It waited.
    pub waited_ms: i64,
    /// Its jobs lay in queues.
    pub queued_ms: i64,
    /// Workers had it.
    pub worked_ms: i64,
    /// It was paused.
    pub paused_ms: i64,
    /// From submission to its end, or to now.
    pub total_ms: i64,
}

/// A session's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// What happened, in order.
    pub transitions: Vec<TransitionLine>,
    /// Waits and work, without a gap.
    pub parts: Vec<Part>,
    /// How long they are together.
    pub sums: Sums,
}

/// Makes the timeline of a session: the parts between its transitions, and for one that is live the part until `now`.
pub fn timeline(session: &Session, transitions: Vec<TransitionLine>, now: Timestamp) -> Timeline {
    let mut parts: Vec<Part> = transitions.iter().flat_map(|line| divide(&line.transition)).collect();
    if !session.status.is_final() {
        let mut present = divide(&present(session, now));
        if let Some(last) = present.last_mut() {
            last.open = true;
        }
        parts.extend(present);
    }
    let begun = parts.first().map_or(session.created_at, |part| part.from);
    let ended = parts.last().map_or(session.created_at, |part| part.to);
    let mut sums = Sums { total_ms: ended.as_millisecond() - begun.as_millisecond(), ..Sums::default() };
    for part in &parts {
        let sum = match part.doing {
            Doing::Wait => &mut sums.waited_ms,
            Doing::Queue => &mut sums.queued_ms,
            Doing::Work => &mut sums.worked_ms,
            Doing::Paused => &mut sums.paused_ms,
        };
        *sum += part.ms();
    }
    Timeline { transitions, parts, sums }
}

/// The stretch that has not ended, as if it did now.
fn present(session: &Session, now: Timestamp) -> Transition {
    let since = session.since;
    let in_stretch = |time: Option<Timestamp>| time.filter(|time| *time >= since);
    let admitted_at = in_stretch(session.admitted_at);
    Transition {
        seq: session.revision,
        what: What::Advanced,
        at: now.max(since),
        since,
        stage: session.stage,
        dispatch: session.dispatch,
        waited_on: match (admitted_at, session.status) {
            (Some(_), _) => session.waited_on,
            (None, Status::Pending) => session.waiting_on,
            (None, _) => None,
        },
        due_at: in_stretch(if admitted_at.is_some() { session.due_at } else { session.run_after }),
        admitted_at,
        taken_at: session.taken_at.map(|taken| taken.max(since)),
        by: String::new(),
        note: String::new(),
        traceparent: None,
    }
}

/// Divides the stretch before a transition; parts without length are left out.
fn divide(transition: &Transition) -> Vec<Part> {
    let end = transition.at;
    let taken = transition.taken_at.unwrap_or(end).min(end);
    let admitted = transition.admitted_at.unwrap_or(taken).min(taken);
    let waits = transition.waited_on.is_some() || transition.admitted_at.is_some();
    let due = transition.due_at.unwrap_or(admitted).clamp(transition.since.min(admitted), admitted);
    let first = match (transition.waited_on, waits) {
        (Some(_), _) => (Doing::Wait, transition.waited_on),
        (None, true) => (Doing::Wait, Some(WaitingOn::Turn)),
        (None, false) => (Doing::Paused, None),
    };
    let parts = [
        (first.0, first.1, transition.since, due),
        (Doing::Wait, Some(WaitingOn::Turn), due, admitted),
        (Doing::Queue, None, admitted, taken),
        (Doing::Work, None, taken, end),
    ];
    parts
        .into_iter()
        .filter(|(.., from, to)| from < to)
        .map(|(doing, waiting_on, from, to)| Part { doing, waiting_on, stage: transition.stage, from, to, open: false })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn stretch(
        waited_on: Option<WaitingOn>,
        due: Option<i64>,
        admitted: Option<i64>,
        taken: Option<i64>,
        end: i64,
    ) -> Transition {
        Transition {
            seq: 1,
            what: What::Advanced,
            at: at(end),
            since: at(0),
            stage: Stage::Detection,
            dispatch: 1,
            waited_on,
            due_at: due.map(at),
            admitted_at: admitted.map(at),
            taken_at: taken.map(at),
            by: String::new(),
            note: String::new(),
            traceparent: None,
        }
    }

    fn told(transition: &Transition) -> Vec<(Doing, Option<WaitingOn>, i64)> {
        divide(transition).iter().map(|part| (part.doing, part.waiting_on, part.ms() / 1000)).collect()
    }

    #[test]
    fn a_stretch_divides_into_waits_and_work() {
        let whole = stretch(Some(WaitingOn::Retry), Some(5), Some(8), Some(10), 20);
        let (turn, retry) = (Some(WaitingOn::Turn), Some(WaitingOn::Retry));
        assert_eq!(
            told(&whole),
            [(Doing::Wait, retry, 5), (Doing::Wait, turn, 3), (Doing::Queue, None, 2), (Doing::Work, None, 10)]
        );
        assert_eq!(told(&stretch(None, None, None, Some(0), 4)), [(Doing::Work, None, 4)]);
        assert_eq!(told(&stretch(None, None, None, None, 4)), [(Doing::Paused, None, 4)]);
        assert_eq!(told(&stretch(None, None, None, None, 0)), []);
        assert_eq!(told(&stretch(turn, Some(0), None, None, 3)), [(Doing::Wait, turn, 3)]);
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole(
            times in prop::collection::vec(prop::option::of(0i64..50), 3), end in 0i64..50, waits in any::<bool>(),
        ) {
            let waited_on = waits.then_some(WaitingOn::Window);
            let parts = divide(&stretch(waited_on, times[0], times[1], times[2], end));
            prop_assert_eq!(parts.iter().map(Part::ms).sum::<i64>(), end * 1000);
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].to, pair[1].from);
            }
        }
    }
}
