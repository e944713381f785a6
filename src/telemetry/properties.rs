//! What holds of the spans of any timeline.

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use opentelemetry::Value;
use opentelemetry::trace::SpanKind;
use proptest::prelude::*;
use uuid::Uuid;

use super::ids::{Part, Trace};
use super::spans::{SessionFacts, SpanSpec, of, of_row};
use super::stretch::{Stretch, length};
use super::table::{self, Sort, span_entry};
use crate::domain::session::{Kind, Priority, Stage, Status, WaitingOn};
use crate::domain::transition::{Transition, What};
use crate::domain::{ComputerId, SessionId, TenantId};

/// When all sessions here begin.
fn created() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

pub(super) fn facts(status: Status) -> SessionFacts {
    SessionFacts {
        session: SessionId(42),
        tenant: TenantId(3),
        computer: ComputerId(9),
        kind: Kind::Full,
        priority: Priority::Normal,
        status,
        created_at: created(),
        submitted_with: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
    }
}

pub(super) fn trace() -> Trace {
    Trace::of(Uuid::from_u128(7), SessionId(42))
}

/// A row whose stretch begins where the last one ended, with times in microseconds after that.
fn row(
    before: &Transition,
    what: What,
    at: i64,
    due: Option<i64>,
    admitted: Option<i64>,
    taken: Option<i64>,
) -> Transition {
    let since = before.at;
    let after = |micros: i64| since + SignedDuration::from_micros(micros);
    Transition {
        seq: before.seq + 1,
        what,
        at: after(at),
        since,
        stage: Stage::Detection,
        dispatch: before.dispatch + 1,
        waited_on: Some(WaitingOn::Window),
        due_at: due.map(after),
        admitted_at: admitted.map(after),
        taken_at: taken.map(after),
        by: "worker-1".into(),
        note: "why".into(),
        traceparent: None,
    }
}

fn submitted() -> Transition {
    Transition {
        seq: 1,
        what: What::Submitted,
        at: created(),
        since: created(),
        stage: Stage::Detection,
        dispatch: 0,
        waited_on: None,
        due_at: None,
        admitted_at: None,
        taken_at: None,
        by: "api".into(),
        note: String::new(),
        traceparent: None,
    }
}

fn names(spans: &[SpanSpec]) -> Vec<(&str, u128)> {
    spans.iter().map(|span| (span.name.as_str(), length(span.start, span.end).as_micros())).collect()
}

const PROCESS: &str = "process crew.jobs:detection:crew.v1.detection";

#[test]
fn a_stretch_divides_as_its_times_say() {
    let spans = |row: &Transition| of_row(&trace(), &facts(Status::Running), row, "crew");
    let first = submitted();
    let whole = row(&first, What::Advanced, 100, Some(10), Some(30), Some(60));
    assert_eq!(names(&spans(&whole)), [("wait.window", 10), ("wait.turn", 20), ("wait.queue", 30), (PROCESS, 40)]);
    let never_due = row(&first, What::Woken, 100, None, None, None);
    assert_eq!(names(&spans(&never_due)), [("wait.window", 100)]);
    let due_but_not_admitted = row(&first, What::Paused, 100, Some(40), None, None);
    assert_eq!(names(&spans(&due_but_not_admitted)), [("wait.window", 40), ("wait.turn", 60)]);
    let never_taken = row(&first, What::Lost, 100, Some(40), Some(50), None);
    assert_eq!(names(&spans(&never_taken)), [("wait.window", 40), ("wait.turn", 10), ("wait.queue", 50)]);
    let turn = Transition { waited_on: Some(WaitingOn::Turn), ..whole.clone() };
    assert_eq!(names(&spans(&turn)), [("wait.turn", 30), ("wait.queue", 30), (PROCESS, 40)]);
    let paused = Transition { waited_on: None, ..never_due };
    assert_eq!(names(&spans(&paused)), [("wait.paused", 100)]);
    // The worker had it all along: an intent was asked for in between.
    let goes_on = Transition { waited_on: None, ..row(&first, What::Advanced, 100, None, None, Some(0)) };
    assert_eq!(names(&spans(&goes_on)), [(PROCESS, 100)]);
}

#[test]
fn a_session_is_one_tree_with_links_to_what_caused_it() {
    let trace = trace();
    let first = submitted();
    let asked = row(&first, What::CancelAsked, 100, Some(10), Some(30), Some(60));
    let finished = Transition {
        dispatch: asked.dispatch,
        waited_on: None,
        note: "no such script".into(),
        ..row(&asked, What::Finished, 50, None, None, Some(0))
    };
    let rows = [first, asked, finished];
    let spans = of(&trace, &facts(Status::Failed), &rows, "crew");
    assert_eq!(
        names(&spans),
        [
            ("session.accepted", 0),
            ("wait.window", 10),
            ("wait.turn", 20),
            ("wait.queue", 30),
            (PROCESS, 40),
            (PROCESS, 50),
            ("session full", 150),
        ]
    );
    let (root, others) = spans.split_last().unwrap();
    assert_eq!((root.id, root.parent, root.kind.clone()), (trace.root, None, SpanKind::Server));
    assert_eq!(root.failure.as_deref(), Some("no such script"));
    assert_eq!(root.link.as_ref().unwrap().span_id().to_string(), "b7ad6b7169203331");
    assert!(others.iter().all(|span| span.parent == Some(trace.root) && span.trace == trace.id));
    let (first, last) = (&spans[4], &spans[5]);
    assert_eq!((first.id, last.id), (trace.span(Part::StageUntil(2)), trace.span(Part::Stage(1))));
    for process in [first, last] {
        assert_eq!(process.kind, SpanKind::Consumer);
        assert_eq!(process.link, Some(trace.context(Part::Publish(1))));
    }
    assert_eq!((first.failure.as_deref(), last.failure.as_deref()), (None, Some("no such script")));
}

pub(super) fn all_in_the_table(spans: &[SpanSpec]) {
    for span in spans {
        assert!(span_entry(&span.name).is_some(), "{} is not in the table", span.name);
        for attribute in &span.attributes {
            let sort = table::entry(attribute.key.as_str()).map(|entry| entry.sort);
            match attribute.value {
                Value::I64(_) => assert_eq!(sort, Some(Sort::Int), "{}", attribute.key),
                Value::String(_) => assert_eq!(sort, Some(Sort::Text), "{}", attribute.key),
                ref other => panic!("{} is {other:?}", attribute.key),
            }
        }
    }
}

fn any_what() -> impl Strategy<Value = What> {
    prop::sample::select(vec![
        What::Advanced,
        What::Retried,
        What::Snoozed,
        What::Parked,
        What::Woken,
        What::Lost,
        What::CancelAsked,
        What::PauseAsked,
        What::Paused,
        What::Resumed,
    ])
}

/// A stretch's times, in any order: also such as no scheduler would write.
type Times = (What, i64, Option<i64>, Option<i64>, Option<i64>, usize);

fn any_times() -> impl Strategy<Value = Times> {
    let time = || prop::option::of(-50_i64..5_000_000);
    (any_what(), 0_i64..4_000_000, time(), time(), time(), 0..=WaitingOn::ALL.len())
}

proptest! {
    #[test]
    fn waits_and_work_add_up_to_the_sessions_life(times in prop::collection::vec(any_times(), 0..30), end in any_times()) {
        let mut rows = vec![submitted()];
        let all = times.into_iter().map(|times| (times.0, times)).chain([(What::Finished, end)]);
        for (what, (_, at, due, admitted, taken, reason)) in all {
            let mut next = row(rows.last().unwrap(), what, at, due, admitted, taken);
            next.waited_on = WaitingOn::ALL.get(reason).copied();
            rows.push(next);
        }
        let facts = facts(Status::Completed);
        let spans = of(&trace(), &facts, &rows, "crew");
        all_in_the_table(&spans);

        let (root, rest) = spans.split_last().unwrap();
        prop_assert_eq!(&root.name, "session full");
        let wall = length(root.start, root.end);
        let parts: Vec<_> = rest.iter().filter(|span| span.name != "session.accepted").collect();
        let sum: Duration = parts.iter().map(|span| length(span.start, span.end)).sum();
        prop_assert_eq!(sum, wall);
        // Without a gap and without an overlap.
        let mut end = root.start;
        for part in parts {
            prop_assert_eq!(part.start, end);
            end = part.end;
        }
        prop_assert_eq!(end, root.end);
        let ids: HashSet<_> = spans.iter().map(|span| span.id).collect();
        prop_assert_eq!(ids.len(), spans.len());
        prop_assert_eq!(of(&trace(), &facts, &rows, "crew"), spans);
        for row in &rows {
            let Stretch { since, due, admitted, taken, at, .. } = Stretch::of(row);
            prop_assert!(since <= due && due <= admitted && admitted <= taken && taken <= at);
        }
    }
}
