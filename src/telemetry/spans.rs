//! A session's spans, made from the rows of its timeline: a pure function.
//!
//! Each row's stretch divides without a gap into a wait, the wait for a turn, the queue, and work. Every part that has a
//! length is one span, a child of the session's root; so their lengths add up to the session's whole life.

use jiff::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, TraceId};

use super::ids::{Part, Trace, read_traceparent};
use super::stretch::Stretch;
use super::table as name;
use crate::domain::job::{JOB_VERSION, Job};
use crate::domain::session::{Kind, Priority, Session, Stage, Status, WaitingOn};
use crate::domain::transition::{Transition, What};
use crate::domain::{ComputerId, SessionId, TenantId};

/// A span that is over, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanSpec {
    /// Its trace.
    pub trace: TraceId,
    /// Its id.
    pub id: SpanId,
    /// The span it is a part of; none for the root.
    pub parent: Option<SpanId>,
    /// Its role.
    pub kind: SpanKind,
    /// Its name.
    pub name: String,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// The span that caused it.
    pub link: Option<SpanContext>,
    /// What else is to be known.
    pub attributes: Vec<KeyValue>,
    /// What went wrong, if something did.
    pub failure: Option<String>,
}

/// What the spans of a session tell of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionFacts {
    /// The session.
    pub session: SessionId,
    /// The tenant of its computer.
    pub tenant: TenantId,
    /// Its computer.
    pub computer: ComputerId,
    /// What it is for.
    pub kind: Kind,
    /// How urgent it is.
    pub priority: Priority,
    /// Where it is after the transitions.
    pub status: Status,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// The trace of its submission.
    pub submitted_with: Option<String>,
}

impl From<&Session> for SessionFacts {
    fn from(session: &Session) -> SessionFacts {
        SessionFacts {
            session: session.id,
            tenant: session.tenant,
            computer: session.computer,
            kind: session.kind,
            priority: session.priority,
            status: session.status,
            created_at: session.created_at,
            submitted_with: session.order.traceparent.clone(),
        }
    }
}

/// All spans of a session, given its transitions so far. `prefix` is what the broker's names begin with.
pub fn of(trace: &Trace, facts: &SessionFacts, rows: &[Transition], prefix: &str) -> Vec<SpanSpec> {
    rows.iter().flat_map(|row| of_row(trace, facts, row, prefix)).collect()
}

/// The spans that end with one transition.
pub fn of_row(trace: &Trace, facts: &SessionFacts, row: &Transition, prefix: &str) -> Vec<SpanSpec> {
    let stretch = Stretch::of(row);
    let mut spans = Vec::with_capacity(4);
    let mut wait = |part: Part, reason: &str, start: Timestamp, end: Timestamp| {
        if start < end {
            let mut span = span(trace, facts, part, SpanKind::Internal, format!("wait.{reason}"), start, end);
            span.attributes.push(KeyValue::new(name::WAIT_REASON, reason.to_owned()));
            span.attributes.extend(of_the_row(row));
            spans.push(span);
        }
    };
    let reason = stretch.reason.map_or("paused", WaitingOn::as_str);
    wait(Part::Wait(row.seq), reason, stretch.since, stretch.due);
    wait(Part::Turn(row.seq), WaitingOn::Turn.as_str(), stretch.due, stretch.admitted);
    wait(Part::Queue(row.seq), "queue", stretch.admitted, stretch.taken);
    if row.taken_at.is_some() {
        spans.push(process(trace, facts, row, stretch, prefix));
    }
    match row.what {
        What::Submitted => {
            let (part, at) = (Part::Accepted, facts.created_at);
            let mut span = span(trace, facts, part, SpanKind::Internal, name::ACCEPTED.to_owned(), at, at);
            span.link = facts.submitted_with.as_deref().and_then(read_traceparent);
            spans.push(span);
        }
        What::Finished => spans.push(root(trace, facts, row)),
        What::Advanced
        | What::Retried
        | What::Snoozed
        | What::Parked
        | What::Woken
        | What::Lost
        | What::CancelAsked
        | What::PauseAsked
        | What::Paused
        | What::Resumed => {}
    }
    spans
}

/// The session itself.
fn root(trace: &Trace, facts: &SessionFacts, row: &Transition) -> SpanSpec {
    let name = format!("session {}", facts.kind);
    let end = row.at.max(facts.created_at);
    let mut span = span(trace, facts, Part::Root, SpanKind::Server, name, facts.created_at, end);
    span.parent = None;
    span.link = facts.submitted_with.as_deref().and_then(read_traceparent);
    span.attributes.push(KeyValue::new(name::SESSION_STATUS, facts.status.as_str()));
    span.attributes.extend(of_the_row(row));
    if facts.status == Status::Failed {
        span.failure = Some(row.note.clone());
        span.attributes.push(KeyValue::new(name::ERROR_TYPE, facts.status.as_str()));
    }
    span
}

/// A worker's work for a stage. An intent that arrives meanwhile cuts it in two; the actions belong to the latter.
fn process(trace: &Trace, facts: &SessionFacts, row: &Transition, stretch: Stretch, prefix: &str) -> SpanSpec {
    let part = match row.what {
        What::CancelAsked | What::PauseAsked => Part::StageUntil(row.seq),
        What::Submitted
        | What::Advanced
        | What::Retried
        | What::Snoozed
        | What::Parked
        | What::Woken
        | What::Lost
        | What::Paused
        | What::Resumed
        | What::Finished => Part::Stage(row.dispatch),
    };
    let destination = processed_from(prefix, row.stage);
    let name = format!("process {destination}");
    let mut span = span(trace, facts, part, SpanKind::Consumer, name, stretch.taken, stretch.at);
    span.link = row
        .traceparent
        .as_deref()
        .and_then(read_traceparent)
        .or_else(|| Some(trace.context(Part::Publish(row.dispatch))));
    span.attributes.extend(of_the_row(row));
    span.attributes.extend(of_the_message(&job(facts, row), "process", "process", destination));
    if let Some(kind) = error_type(row.what, facts.status) {
        span.attributes.push(KeyValue::new(name::ERROR_TYPE, kind));
        span.failure = Some(row.note.clone());
    }
    span
}

/// The kind of failure that a transition is, if it is one.
pub fn error_type(what: What, status: Status) -> Option<&'static str> {
    match what {
        What::Retried | What::Lost => Some(what.as_str()),
        What::Finished if status == Status::Failed => Some(status.as_str()),
        What::Finished
        | What::Submitted
        | What::Advanced
        | What::Snoozed
        | What::Parked
        | What::Woken
        | What::CancelAsked
        | What::PauseAsked
        | What::Paused
        | What::Resumed => None,
    }
}

fn job(facts: &SessionFacts, row: &Transition) -> Job {
    Job { v: JOB_VERSION, session: facts.session, tenant: facts.tenant, stage: row.stage, dispatch: row.dispatch }
}

/// A span of a session, a child of its root, with what is said of every one.
fn span(
    trace: &Trace,
    facts: &SessionFacts,
    part: Part,
    kind: SpanKind,
    name: String,
    start: Timestamp,
    end: Timestamp,
) -> SpanSpec {
    let attributes = vec![
        KeyValue::new(name::SESSION_ID, facts.session.0),
        KeyValue::new(name::SESSION_KIND, facts.kind.as_str()),
        KeyValue::new(name::SESSION_PRIORITY, facts.priority.as_str()),
        KeyValue::new(name::TENANT_ID, facts.tenant.0),
        KeyValue::new(name::COMPUTER_ID, facts.computer.0),
    ];
    let (id, parent) = (trace.span(part), Some(trace.root));
    SpanSpec { trace: trace.id, id, parent, kind, name, start, end, link: None, attributes, failure: None }
}

fn of_the_row(row: &Transition) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new(name::STAGE, row.stage.as_str()),
        KeyValue::new(name::DISPATCH, i64::from(row.dispatch)),
        KeyValue::new(name::SEQ, i64::from(row.seq)),
        KeyValue::new(name::OUTCOME, row.what.as_str()),
        KeyValue::new(name::BY, row.by.clone()),
    ];
    if !row.note.is_empty() {
        attributes.push(KeyValue::new(name::NOTE, row.note.clone()));
    }
    attributes
}

/// What the conventions want said of a message.
pub(super) fn of_the_message(job: &Job, operation: &'static str, kind: &'static str, to: String) -> Vec<KeyValue> {
    vec![
        KeyValue::new(name::MESSAGING_SYSTEM, "rabbitmq"),
        KeyValue::new(name::MESSAGING_OPERATION_NAME, operation),
        KeyValue::new(name::MESSAGING_OPERATION_TYPE, kind),
        KeyValue::new(name::MESSAGING_DESTINATION, to),
        KeyValue::new(name::MESSAGING_ROUTING_KEY, job.stage.as_str()),
        KeyValue::new(name::MESSAGING_MESSAGE_ID, job.message_id()),
        KeyValue::new(name::MESSAGING_CONVERSATION, job.session.to_string()),
    ]
}

/// Where a stage's jobs are sent: exchange and routing key.
pub(super) fn published_to(prefix: &str, stage: Stage) -> String {
    format!("{prefix}.jobs:{stage}")
}

/// Where they are taken from: the same and the queue.
fn processed_from(prefix: &str, stage: Stage) -> String {
    format!("{prefix}.jobs:{stage}:{prefix}.v1.{stage}")
}
