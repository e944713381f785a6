//! How a step has ended, before it is made part of the outcome.

use std::time::Duration;

use jiff::Timestamp;
use pitcrew_protocol::{Said, Step, StepOutcome, StepStatus};

/// How a step has ended. The fields are those of [`StepOutcome`].
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Whether it succeeded.
    pub status: StepStatus,
    /// The exit code of a script.
    pub exit_code: Option<i32>,
    /// The last line of standard output.
    pub observed: Option<String>,
    /// What was odd about it.
    pub warnings: Vec<String>,
    /// What its script has said to Pitcrew.
    pub said: Said,
    /// It asked for a restart.
    pub wants_reboot: bool,
    /// What it printed.
    pub output: String,
    /// Bytes of output that were left out.
    pub output_omitted: u64,
}

impl Ended {
    /// It succeeded, and has this to say.
    pub fn succeeded(output: String) -> Ended {
        Ended { output, ..Ended::with(StepStatus::Succeeded) }
    }

    /// It failed; `code` is one of those that [`StepStatus::Failed`] lists.
    pub fn failed(code: &str, message: impl Into<String>) -> Ended {
        Ended::with(StepStatus::Failed { code: code.into(), message: message.into() })
    }

    /// It took too long.
    pub fn timed_out(timeout_ms: u64) -> Ended {
        Ended::failed("timeout", format!("it had not ended after {timeout_ms} ms"))
    }

    /// Makes it the outcome of `step`.
    pub fn into_outcome(self, step: &Step, started_at: Timestamp, took: Duration) -> StepOutcome {
        StepOutcome {
            kind: step.kind,
            item: step.item.clone(),
            status: self.status,
            exit_code: self.exit_code,
            observed: self.observed,
            warnings: self.warnings,
            said: self.said,
            wants_reboot: self.wants_reboot,
            output: self.output,
            output_omitted: self.output_omitted,
            started_at,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn with(status: StepStatus) -> Ended {
        Ended {
            status,
            exit_code: None,
            observed: None,
            warnings: Vec::new(),
            said: Said::default(),
            wants_reboot: false,
            output: String::new(),
            output_omitted: 0,
        }
    }
}
