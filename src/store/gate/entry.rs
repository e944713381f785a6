//! What passes through the gate: a change and what is written along with it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::session::Stage;
use crate::domain::{Answered, Judgement, Seen};
use crate::lifecycle::Change;

/// A change and what is written along with it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The decided change.
    pub change: Change,
    /// What the stage found out or decided.
    pub result: Option<StageResult>,
    /// The actions of a new plan.
    pub planned: Vec<PlannedRow>,
    /// Actions that have ended.
    pub ended: Vec<EndedAction>,
    /// Runs that have ended.
    pub outcomes: Vec<EndedRun>,
    /// What the stage has judged, unless that is as it was.
    pub judgement: Option<Judgement>,
}

/// The body of a stage's result, as JSON text.
#[derive(Debug, Clone)]
pub struct StageResult {
    /// The stage.
    pub stage: Stage,
    /// The JSON document.
    pub body: String,
    /// Its SHA-256, of a plan.
    pub hash: Option<Vec<u8>>,
    /// What the computer was seen to have, if an inventory was taken whole.
    pub seen: Option<Seen>,
    /// What the scripts of groups have answered, by group.
    pub answers: BTreeMap<String, Answered>,
}

/// An action as it is planned.
#[derive(Debug, Clone)]
pub struct PlannedRow {
    /// Its place in the plan.
    pub seq: i32,
    /// The maintenance item.
    pub item: String,
    /// The deployment that wants it.
    pub deployment: String,
    /// What is to be done.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// What was found.
    pub detected: Option<String>,
    /// What is wanted.
    pub desired: Option<String>,
    /// The place of the action that it is below.
    pub parent: Option<i32>,
}

/// An action that has ended.
#[derive(Debug, Clone)]
pub struct EndedAction {
    /// The dispatch of the planning that made it.
    pub plan: i32,
    /// Its place in the plan.
    pub seq: i32,
    /// `success`, `failed`, `skipped`, `cancelled` or `indeterminate`.
    pub result: String,
    /// One of a fixed set.
    pub reason: String,
    /// A sentence for a person.
    pub message: String,
    /// How often it was started.
    pub attempts: i32,
    /// Its runs; none if it was never started.
    pub runs: Option<RunsOfAction>,
    /// When it ended.
    pub at: Timestamp,
}

/// The runs of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunsOfAction {
    /// The last one.
    pub last: Uuid,
    /// When the first one was begun.
    pub begun: Timestamp,
}

/// A run that has ended.
#[derive(Debug, Clone)]
pub struct EndedRun {
    /// The run.
    pub run_id: Uuid,
    /// Its outcome, as JSON text.
    pub outcome: String,
    /// When it was received.
    pub at: Timestamp,
}

impl Entry {
    /// A change with nothing beside it.
    pub fn bare(change: Change) -> Entry {
        Entry { change, result: None, planned: Vec::new(), ended: Vec::new(), outcomes: Vec::new(), judgement: None }
    }
}
