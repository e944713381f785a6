//! What is told of sessions, by those who work on them.
//!
//! Root, waits and stages follow from the rows of the timeline: whoever commits one says so, once, and nobody else tells
//! of the same. Publishing and actions are told by those who do them. All ids are derived, so a repeat is recognised.

use jiff::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use uuid::Uuid;

use super::emit::Telemetry;
use super::ids::{Part, Trace};
use super::spans::{self, SessionFacts, SpanSpec};
use super::stretch::{Stretch, length};
use super::table as name;
use crate::domain::SessionId;
use crate::domain::job::Job;
use crate::domain::session::Session;
use crate::domain::transition::{Transition, What};

/// Tells of the sessions of one installation. Clones are the same.
#[derive(Debug, Clone)]
pub struct Sessions {
    telemetry: Telemetry,
    installation: Uuid,
}

/// An attempt at an action that has ended.
#[derive(Debug, Clone, Copy)]
pub struct ActionDone<'a> {
    /// The job of the worker that tells.
    pub job: &'a Job,
    /// The dispatch whose plan has the action.
    pub planned_by: i32,
    /// The action's number in that plan.
    pub seq: i32,
    /// Which attempt, from 1.
    pub attempt: i32,
    /// The maintenance item.
    pub item: &'a str,
    /// What was done to it.
    pub kind: &'a str,
    /// How it ended: `success`, `failed` …
    pub result: &'a str,
    /// Why, in a sentence.
    pub message: &'a str,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

impl Sessions {
    pub(super) fn new(telemetry: Telemetry, installation: Uuid) -> Sessions {
        Sessions { telemetry, installation }
    }

    /// The trace of a session, whether or not anything is told.
    pub fn trace(&self, session: SessionId) -> Trace {
        Trace::of(self.installation, session)
    }

    /// Tells of the waits and the work that a transition has ended, and of the session itself if it has become final.
    /// To be called once, after the commit, by whoever has committed it; `session` is as it is after it.
    pub fn transition_committed(&self, session: &Session, transition: &Transition) {
        let Some(inner) = &self.telemetry.0 else { return };
        let facts = SessionFacts::from(session);
        for span in spans::of_row(&self.trace(session.id), &facts, transition, &inner.prefix) {
            inner.emit(span);
        }
        let stretch = Stretch::of(transition);
        let (stage, metrics) = (transition.stage, &inner.metrics);
        if stretch.since < stretch.due {
            metrics.waited(stretch.reason, length(stretch.since, stretch.due));
        }
        if transition.admitted_at.is_some() {
            metrics.admitted(stage, length(stretch.due, stretch.admitted));
        }
        if transition.taken_at.is_some() {
            // Only what was admitted in this stretch was taken in it.
            if transition.admitted_at.is_some() {
                metrics.taken(stage, length(stretch.admitted, stretch.taken));
            }
            metrics.processed(
                stage,
                transition.what,
                spans::error_type(transition.what, session.status),
                length(stretch.taken, stretch.at),
            );
        }
        match transition.what {
            What::Retried => metrics.retried(stage),
            What::Lost => metrics.lost(stage),
            What::Finished => {
                metrics.finished(session.kind, session.status, length(session.created_at, transition.at));
            }
            What::Submitted
            | What::Advanced
            | What::Snoozed
            | What::Parked
            | What::Woken
            | What::CancelAsked
            | What::PauseAsked
            | What::Paused
            | What::Resumed => {}
        }
    }

    /// Tells again of all that the rows of a session say, without counting it again: for what was lost with a process.
    pub fn tell_again(&self, session: &Session, rows: &[Transition]) {
        let Some(inner) = &self.telemetry.0 else { return };
        for span in spans::of(&self.trace(session.id), &SessionFacts::from(session), rows, &inner.prefix) {
            inner.emit(span);
        }
    }

    /// Begins the publication of a job.
    pub fn publish(&self, job: &Job) -> PublishSpan {
        let on = self.telemetry.is_on().then(|| (self.telemetry.clone(), self.trace(job.session), Timestamp::now()));
        PublishSpan { job: *job, on }
    }

    /// Tells of an attempt at an action: a span inside the worker's stage, and a count.
    pub fn action_done(&self, done: ActionDone<'_>) {
        let Some(inner) = &self.telemetry.0 else { return };
        let trace = self.trace(done.job.session);
        let failed = done.result == "failed" || done.result == "indeterminate";
        let mut attributes = vec![
            KeyValue::new(name::SESSION_ID, done.job.session.0),
            KeyValue::new(name::TENANT_ID, done.job.tenant.0),
            KeyValue::new(name::STAGE, done.job.stage.as_str()),
            KeyValue::new(name::DISPATCH, i64::from(done.job.dispatch)),
            KeyValue::new(name::ACTION_ITEM, done.item.to_owned()),
            KeyValue::new(name::ACTION_TYPE, done.kind.to_owned()),
            KeyValue::new(name::ACTION_RESULT, done.result.to_owned()),
            KeyValue::new(name::ACTION_SEQ, i64::from(done.seq)),
            KeyValue::new(name::ACTION_ATTEMPT, i64::from(done.attempt)),
        ];
        if !done.message.is_empty() {
            attributes.push(KeyValue::new(name::NOTE, done.message.to_owned()));
        }
        if failed {
            attributes.push(KeyValue::new(name::ERROR_TYPE, done.result.to_owned()));
        }
        let ended = done.ended.max(done.started);
        inner.emit(SpanSpec {
            trace: trace.id,
            id: trace.span(Part::Action(done.planned_by, done.seq, done.attempt)),
            parent: Some(trace.span(Part::Stage(done.job.dispatch))),
            kind: SpanKind::Internal,
            name: format!("action {}", done.kind),
            start: done.started,
            end: ended,
            link: None,
            attributes,
            failure: failed.then(|| done.message.to_owned()),
        });
        inner.metrics.acted(done.kind, done.result, length(done.started, ended));
    }
}

/// The publication of a job, from its beginning. Dropped without an end, it is not told of.
#[derive(Debug)]
#[must_use]
pub struct PublishSpan {
    job: Job,
    on: Option<(Telemetry, Trace, Timestamp)>,
}

impl PublishSpan {
    /// The header `traceparent` for the message; none when telemetry is off.
    pub fn traceparent(&self) -> Option<String> {
        self.on.as_ref().map(|(_, trace, _)| trace.traceparent(Part::Publish(self.job.dispatch)))
    }

    /// It was confirmed, or failed for a reason: a kind of failure of a few, as in `unroutable` or `timeout`.
    pub fn end(self, error: Option<&'static str>) {
        let Some((telemetry, trace, start)) = self.on else { return };
        let Some(inner) = &telemetry.0 else { return };
        let (job, end) = (&self.job, Timestamp::now().max(start));
        let destination = spans::published_to(&inner.prefix, job.stage);
        let mut attributes = vec![
            KeyValue::new(name::SESSION_ID, job.session.0),
            KeyValue::new(name::TENANT_ID, job.tenant.0),
            KeyValue::new(name::STAGE, job.stage.as_str()),
            KeyValue::new(name::DISPATCH, i64::from(job.dispatch)),
        ];
        let span_name = format!("publish {destination}");
        attributes.extend(spans::of_the_message(job, "publish", "send", destination));
        attributes.extend(error.map(|kind| KeyValue::new(name::ERROR_TYPE, kind)));
        inner.emit(SpanSpec {
            trace: trace.id,
            id: trace.span(Part::Publish(job.dispatch)),
            parent: Some(trace.root),
            kind: SpanKind::Producer,
            name: span_name,
            start,
            end,
            link: None,
            attributes,
            failure: error.map(str::to_owned),
        });
        inner.metrics.published(job.stage, error, length(start, end));
    }
}
