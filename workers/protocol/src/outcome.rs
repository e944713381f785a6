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
            for child in &mut step.said.children {
                child.parameters = std::mem::take(&mut child.parameters)
                    .into_iter()
                    .map(|(mut name, value)| {
                        replace(&mut name);
                        (name, value)
                    })
                    .collect();
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_an_outcome_keeps_the_character_that_the_database_cannot_hold() {
        let mut outcome: RunOutcome = serde_json::from_value(serde_json::json!({
            "run_id": Uuid::nil(), "session": 1, "epoch": 1, "boot_id": "b\0", "started_at": Timestamp::UNIX_EPOCH,
            "ended_at": Timestamp::UNIX_EPOCH, "ending": {"how": "completed"},
            "steps": [{
                "kind": "test", "item": "i\0", "status": {"is": "failed", "code": "c\0", "message": "m\0"},
                "observed": "o\0", "warnings": ["w\0"], "output": "p\0", "duration_ms": 1,
                "started_at": Timestamp::UNIX_EPOCH,
                "said": {
                    "children": [{"key": "k\0", "title": "t\0", "parameters": {"n\0": "v\0"}}],
                    "stop": "s\0",
                    "activities": [{"text": "a\0", "after_ms": 1}],
                },
            }],
        }))
        .unwrap();
        assert_eq!(serde_json::to_string(&outcome).unwrap().matches("\\u0000").count(), 13);
        outcome.replace_nul();
        let json = serde_json::to_string(&outcome).unwrap();
        assert_eq!((json.matches("\\u0000").count(), json.matches('\u{fffd}').count()), (0, 13));
    }
}
