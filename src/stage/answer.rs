//! What a stage answers: done, retry, snooze or stop; and what it leaves behind.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::Judgement;
use crate::domain::retry::RetryPolicy;
use crate::domain::session::{self, Session, Status, WaitingOn};
use crate::lifecycle::Change;
use crate::lifecycle::fail::fail;
use crate::lifecycle::finish::finish;
use crate::lifecycle::park::park;
use crate::lifecycle::snooze::snooze;
use crate::lifecycle::succeed::{Next, succeed};
use crate::store::gate::{EndedAction, EndedRun, Entry, PlannedRow, StageResult};

/// How a stage ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is done, and another stage follows.
    Next(session::Stage),
    /// It is done, and nothing follows: the session is final.
    End(Status),
    /// It failed for a reason that may pass; an attempt is spent.
    Retry,
    /// It is put off without fault until then at the latest; no attempt is spent.
    Snooze(WaitingOn, Timestamp),
    /// A step or a reboot goes on at the computer; its outcome wakes the session, or this time does.
    Park(WaitingOn, Timestamp),
    /// It failed for good.
    Stop,
}

/// An answer and what is written with it, in one transaction.
#[derive(Debug, Clone)]
pub struct Report {
    /// How the stage ended.
    pub answer: Answer,
    /// The reason or a summary, in a sentence.
    pub note: String,
    /// What it found out or decided.
    pub result: Option<StageResult>,
    /// The actions of its plan.
    pub planned: Vec<PlannedRow>,
    /// Actions that have ended and were not recorded before.
    pub ended: Vec<EndedAction>,
    /// Runs that have ended and were not recorded before.
    pub outcomes: Vec<EndedRun>,
    /// What it has judged about the computer's items, unless that is as it was.
    pub judgement: Option<Judgement>,
    /// The run that is in flight at the computer.
    pub run_in_flight: Option<Uuid>,
}

impl Report {
    /// A report with nothing beside it.
    pub fn new(answer: Answer, note: impl Into<String>) -> Report {
        Report {
            answer,
            note: note.into(),
            result: None,
            planned: Vec::new(),
            ended: Vec::new(),
            outcomes: Vec::new(),
            judgement: None,
            run_in_flight: None,
        }
    }
}

/// How answers become changes; the same for every stage.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// What a transient failure costs.
    pub retry: RetryPolicy,
    /// How long a job may stay untaken.
    pub pickup: Duration,
}

impl Rules {
    /// Turns a report into the change of its session. `credit` says whether the next stage's workers can take more;
    /// `random` is uniform in `0..1`.
    pub fn decide(
        &self,
        session: &Session,
        report: &Report,
        by: &str,
        now: Timestamp,
        credit: bool,
        random: f64,
    ) -> Change {
        let mut session = session.clone();
        session.run_in_flight = report.run_in_flight;
        let note = report.note.as_str();
        match &report.answer {
            Answer::Next(stage) => succeed(&session, Next::Stage { stage: *stage, credit }, by, note, now, self.pickup),
            Answer::End(status) => succeed(&session, Next::End(*status), by, note, now, self.pickup),
            Answer::Retry => fail(&session, note, &self.retry, random, by, now),
            Answer::Snooze(reason, until) => snooze(&session, *reason, *until, note, by, now),
            Answer::Park(reason, due) => park(&session, *reason, *due, note, by, now),
            Answer::Stop => finish(&session, Status::Failed, by, note, now),
        }
    }
}

/// The entry that the gate writes for a report.
pub fn entry(change: Change, report: &Report) -> Entry {
    Entry {
        change,
        result: report.result.clone(),
        planned: report.planned.clone(),
        ended: report.ended.clone(),
        outcomes: report.outcomes.clone(),
        judgement: report.judgement.clone(),
    }
}
