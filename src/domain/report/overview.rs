//! The installation at a glance.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::session::{Intent, Stage, Status, WaitingOn};

/// The installation at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// As of when, by the database's clock.
    pub at: Timestamp,
    /// Live sessions by status, stage and wait.
    pub live: Vec<Count>,
    /// Sessions that became final in the last hour, by status; of the latest 50,000.
    pub last_hour: Vec<Count>,
    /// Computers that a session has.
    pub holds: i64,
    /// Connected agents.
    pub agents: i64,
    /// Open dead letters.
    pub dead_letters: i64,
    /// The stop of the whole fleet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet_stop: Option<Intent>,
    /// Tenants that are stopped.
    pub stopped: Vec<String>,
    /// Workers.
    pub workers: Vec<WorkerLine>,
    /// The leading scheduler.
    pub scheduler: Scheduler,
}

/// How many sessions are alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Their status.
    pub status: Status,
    /// Their stage; absent where stages are not told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// What they wait for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_on: Option<WaitingOn>,
    /// How many.
    pub count: i64,
}

/// A worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkerLine {
    /// Its id.
    pub id: String,
    /// Its stage.
    pub stage: Stage,
    /// Sessions it works on at a time.
    pub capacity: i32,
    /// Sessions it has in work.
    pub in_flight: i32,
    /// Its version.
    pub version: String,
    /// When it was last heard.
    pub heartbeat_at: Timestamp,
    /// True if that was so long ago that it counts for nothing.
    pub silent: bool,
}

/// The leading scheduler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scheduler {
    /// The number of its term.
    pub term: i64,
    /// Its name.
    pub holder: String,
    /// True if its term has not run out.
    pub leads: bool,
}
