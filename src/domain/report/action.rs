//! Actions and logs as they are shown.

use jiff::Timestamp;
use pitcrew_protocol::{Activity, StepKind, StepStatus};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::numbers::Numbers;
use crate::domain::session::Stage;

/// One maintenance item's work in a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionLine {
    /// Its place in the plan.
    pub seq: i32,
    /// The item.
    pub item: String,
    /// The deployment that wants it.
    pub deployment: String,
    /// What is done.
    pub action: String,
    /// Why it is planned: a word of a fixed set.
    pub why: String,
    /// Why it is planned, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why_text: String,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<String>,
    /// What is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<String>,
    /// `planned`, `started` or `done`.
    pub status: String,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Why it ended so: a word of a fixed set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_reason: Option<String>,
    /// What happened, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What was observed when it was looked at again after the change; absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<String>,
    /// The place of the action that it is below: of the task whose test has named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<i32>,
    /// How often it was started.
    pub attempts: i32,
    /// The planning that made it: a plan made anew after drift has another one.
    pub plan: i32,
    /// Its last start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Uuid>,
    /// How long it is expected to take, in milliseconds, by what it took before; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<i64>,
    /// What doing it takes; absent where there is nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<Takes>,
    /// When it was started first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The same in numbers, for clients that know those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Numbers>,
}

/// What doing an action takes, as it is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takes {
    /// Whether a file is fetched, unless the computer has it in its cache.
    pub downloads: bool,
    /// How large that is, in bytes; absent where nobody has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_bytes: Option<u64>,
    /// Whether it takes a reboot in any case; a script may ask for one all the same.
    pub reboot: bool,
    /// Whether the computer may be left as it is once this is done.
    pub safe_point: bool,
    /// What would take it back, in words; absent if nothing can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
}

impl ActionLine {
    /// How long it took, in milliseconds.
    pub fn took_ms(&self) -> Option<i64> {
        let (from, to) = (self.started_at?, self.ended_at?);
        Some((to.as_millisecond() - from.as_millisecond()).max(0))
    }
}

/// What one step wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The run it is part of.
    pub run_id: Uuid,
    /// The stage that started the run.
    pub stage: Stage,
    /// The action's place in the plan, in execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<i32>,
    /// The item.
    pub item: String,
    /// What the step was for.
    pub step: StepKind,
    /// Whether it succeeded, and if not, why.
    pub status: StepStatus,
    /// The exit code of its script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The last line it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
    /// What its script said that it was doing, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<Activity>,
    /// What was odd about it, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What it wrote.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// How many bytes of output were left out.
    #[serde(default)]
    pub output_omitted: u64,
    /// When it started, by the computer's clock.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}
