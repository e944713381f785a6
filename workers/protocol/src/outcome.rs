//! What came of a run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Said, StepKind};

/// What came of a run. It is identified by its run id, not by its epoch, and kept on the computer until acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunOutcome {
    /// The run.
    pub run_id: Uuid,
    /// The session that asked.
    pub session: i64,
    /// The epoch with which it was started.
    pub epoch: i64,
    /// The boot of the computer in which it ended.
    pub boot_id: String,
    /// When it started, by the computer's clock.
    pub started_at: Timestamp,
    /// When it ended, by the computer's clock.
    pub ended_at: Timestamp,
    /// How it ended.
    pub ending: Ending,
    /// What came of each step that was started, in order.
    pub steps: Vec<StepOutcome>,
}

impl RunOutcome {
    /// Replaces the one character that the database cannot hold, which a program may well print.
    pub fn replace_nul(&mut self) {
        let replace = |text: &mut String| {
            if text.contains('\0') {
                *text = text.replace('\0', "\u{fffd}");
            }
        };
        replace(&mut self.boot_id);
        for step in &mut self.steps {
            replace(&mut step.item);
            replace(&mut step.output);
            step.observed.as_mut().map(replace);
            step.warnings.iter_mut().for_each(replace);
            step.said.texts().for_each(replace);
            if let StepStatus::Failed { code, message } = &mut step.status {
                replace(code);
                replace(message);
            }
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ending {
    /// Every step that was to be done was done.
    Completed,
    /// The last step in `steps` ended the run: see [`crate::Then`].
    Stopped,
    /// It was killed on request; the step in flight may be half done.
    Killed,
    /// The agent or the computer went down in the middle; the step in flight may be half done.
    Interrupted,
}

/// What came of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// What the step was for.
    pub kind: StepKind,
    /// The maintenance item it belongs to.
    pub item: String,
    /// Whether it succeeded.
    pub status: StepStatus,
    /// The exit code of a script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The last line of standard output that is not blank, trimmed; none if there is no such line. Of a test, `true` or
    /// `false` for all its lines together. Of an inventory step, which is judged by its whole output, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
    /// What was odd about it, in sentences; the step counts all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The script asked for a reboot by exiting with 194 (3010 on Windows); the step has succeeded.
    #[serde(default)]
    pub wants_reboot: bool,
    /// What its script has said to Pitcrew.
    #[serde(default, skip_serializing_if = "Said::is_nothing")]
    pub said: Said,
    /// Standard output and error as they came, invalid UTF-8 replaced, the middle left out where it is too long. Of an
    /// inventory step that succeeded, standard output alone: a program reads it, and a warning must not spoil it.
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

/// Whether a step succeeded, and if not, why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum StepStatus {
    /// It did what it is for.
    Succeeded,
    /// It did not. `code` is one of a small fixed set, `message` says what happened in a sentence.
    Failed {
        /// `exit_code`, `signal`, `timeout`, `checksum`, `signature`, `download`, `not_boolean`, `interpreter`, `killed`, `interrupted`, `io`.
        code: String,
        /// A sentence for a person.
        message: String,
    },
}

impl StepStatus {
    /// True if the step did what it is for.
    pub fn is_success(&self) -> bool {
        matches!(self, StepStatus::Succeeded)
    }

    /// The code of a failure.
    pub fn code(&self) -> Option<&str> {
        match self {
            StepStatus::Succeeded => None,
            StepStatus::Failed { code, .. } => Some(code),
        }
    }
}
