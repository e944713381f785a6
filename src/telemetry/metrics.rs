//! The instruments. They are told of what has happened by the same calls that tell of spans, before any sampling.
//!
//! Attributes are few and bounded: never a session, a computer or a tenant.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

use super::table::{self, Sort};
use crate::domain::session::{Kind, Stage, Status, WaitingOn};
use crate::domain::transition::What;

/// Upper bounds of the histograms' buckets, in seconds: from a message's way to a maintenance window's length.
const BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
    14_400.0, 86_400.0,
];

/// The instruments of one process.
#[derive(Debug)]
pub struct Metrics {
    process: Histogram<f64>,
    publish: Histogram<f64>,
    queue: Histogram<f64>,
    admission: Histogram<f64>,
    wait: Histogram<f64>,
    session: Histogram<f64>,
    action: Histogram<f64>,
    limiter: Histogram<f64>,
    retries: Counter<u64>,
    losses: Counter<u64>,
    dead_letters: Counter<u64>,
}

impl Metrics {
    pub(super) fn new(meter: &Meter) -> Metrics {
        let meaning = |name: &str| table::entry(name).map_or("", |entry| entry.meaning);
        let histogram = |name: &'static str| {
            debug_assert_eq!(table::entry(name).map(|entry| entry.sort), Some(Sort::Histogram));
            let builder = meter.f64_histogram(name).with_unit("s").with_description(meaning(name));
            builder.with_boundaries(BUCKETS.to_vec()).build()
        };
        let counter = |name: &'static str| {
            debug_assert_eq!(table::entry(name).map(|entry| entry.sort), Some(Sort::Counter));
            meter.u64_counter(name).with_description(meaning(name)).build()
        };
        Metrics {
            process: histogram(table::PROCESS_DURATION),
            publish: histogram(table::PUBLISH_DURATION),
            queue: histogram(table::QUEUE_WAIT),
            admission: histogram(table::ADMISSION_LAG),
            wait: histogram(table::WAIT_DURATION),
            session: histogram(table::SESSION_DURATION),
            action: histogram(table::ACTION_DURATION),
            limiter: histogram(table::LIMITER_WAIT),
            retries: counter(table::RETRIES),
            losses: counter(table::LOSSES),
            dead_letters: counter(table::DEAD_LETTERS),
        }
    }

    /// A worker has had a session for a stage.
    pub(super) fn processed(&self, stage: Stage, what: What, error: Option<&'static str>, took: Duration) {
        let outcome = KeyValue::new(table::OUTCOME, what.as_str());
        match error {
            None => self.process.record(took.as_secs_f64(), &[of(stage), outcome]),
            Some(kind) => {
                self.process.record(took.as_secs_f64(), &[of(stage), outcome, KeyValue::new(table::ERROR_TYPE, kind)])
            }
        }
    }

    /// A job was sent.
    pub(super) fn published(&self, stage: Stage, error: Option<&'static str>, took: Duration) {
        match error {
            None => self.publish.record(took.as_secs_f64(), &[of(stage)]),
            Some(kind) => {
                self.publish.record(took.as_secs_f64(), &[of(stage), KeyValue::new(table::ERROR_TYPE, kind)]);
            }
        }
    }

    /// A session that was due was admitted after this time.
    pub(super) fn admitted(&self, stage: Stage, lag: Duration) {
        self.admission.record(lag.as_secs_f64(), &[of(stage)]);
    }

    /// A worker has taken a job after this time in the queue.
    pub(super) fn taken(&self, stage: Stage, lay: Duration) {
        self.queue.record(lay.as_secs_f64(), &[of(stage)]);
    }

    /// A session has waited for something other than its turn and a worker; for nothing: it was paused.
    pub(super) fn waited(&self, reason: Option<WaitingOn>, waited: Duration) {
        let reason = reason.map_or("paused", WaitingOn::as_str);
        self.wait.record(waited.as_secs_f64(), &[KeyValue::new(table::WAIT_REASON, reason)]);
    }

    /// A stage has failed and will be tried again.
    pub(super) fn retried(&self, stage: Stage) {
        self.retries.add(1, &[of(stage)]);
    }

    /// A stage's worker or job was lost.
    pub(super) fn lost(&self, stage: Stage) {
        self.losses.add(1, &[of(stage)]);
    }

    /// A session has become final.
    pub(super) fn finished(&self, kind: Kind, status: Status, lived: Duration) {
        self.session.record(
            lived.as_secs_f64(),
            &[KeyValue::new(table::SESSION_KIND, kind.as_str()), KeyValue::new(table::SESSION_STATUS, status.as_str())],
        );
    }

    /// An action has ended.
    pub(super) fn acted(&self, kind: &str, result: &str, took: Duration) {
        self.action.record(
            took.as_secs_f64(),
            &[
                KeyValue::new(table::ACTION_TYPE, kind.to_owned()),
                KeyValue::new(table::ACTION_RESULT, result.to_owned()),
            ],
        );
    }

    /// Work has waited for a rate limit: `tenant` or `source`.
    pub fn limited(&self, limit: &'static str, waited: Duration) {
        self.limiter.record(waited.as_secs_f64(), &[KeyValue::new(table::LIMIT, limit)]);
    }

    /// The broker has put a message aside; `stage` is the stage's name or `submit`.
    pub fn dead_letter(&self, stage: &str) {
        self.dead_letters.add(1, &[KeyValue::new(table::STAGE, stage.to_owned())]);
    }
}

fn of(stage: Stage) -> KeyValue {
    KeyValue::new(table::STAGE, stage.as_str())
}
