//! What a computer writes down: one JSON object a line in `journal.jsonl`, appended and never changed.
//!
//! The journal is evidence. From it anyone can check, without asking the server, that no run started after a newer
//! epoch had been recorded and that nothing was acted upon twice. The agent itself never reads it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Ending, Refusal, StepKind};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalLine {
    /// When it was written, by the computer's clock. Order is the order of the lines, not of the times.
    pub at: Timestamp,
    /// The epoch of the request or run that the line is about; of lines about neither, the highest one recorded.
    pub epoch: i64,
    /// The session that asked for the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<i64>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Uuid>,
    /// What happened.
    #[serde(flatten)]
    pub event: JournalEvent,
}

/// What happened, in the field `event` and the fields beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JournalEvent {
    /// The computer was found to have started again.
    Booted {
        /// Its new boot id.
        boot_id: String,
    },
    /// The agent that keeps a connection was started.
    AgentStarted {
        /// Its version.
        agent_version: String,
    },
    /// A higher epoch was recorded, before anything that was asked with it was done.
    EpochRaised {
        /// The highest one before.
        from: i64,
    },
    /// A run was recorded as in flight; its supervisor starts next.
    RunStarted,
    /// A step is about to start.
    StepStarted {
        /// Its place in the run, from 0.
        index: usize,
        /// What it is for.
        kind: StepKind,
        /// The maintenance item it belongs to.
        item: String,
    },
    /// A step has ended.
    StepEnded {
        /// Its place in the run, from 0.
        index: usize,
        /// What it was for.
        kind: StepKind,
        /// The maintenance item it belongs to.
        item: String,
        /// Why it failed (see [`crate::StepStatus::Failed`]); none if it succeeded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// A run has ended and its outcome is in the spool.
    RunEnded {
        /// How.
        ending: Ending,
    },
    /// A restart of the computer was asked for by the run; the run ends once it is back.
    RebootBegun {
        /// The boot id before.
        boot_id: String,
    },
    /// A run that was in flight already was found by a new owner, or by an agent that was started again.
    RunAdopted,
    /// A run in flight was told to end.
    KillBegun {
        /// As what it will end: killed on request, or interrupted by the agent's stop.
        ending: Ending,
    },
    /// A request was refused.
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// The outcome is stored at the server.
    Acknowledged,
}

impl JournalLine {
    /// Reads a whole journal. A last line without its line feed was cut off by a power cut and is passed over.
    ///
    /// # Errors
    /// The first line that is no [`JournalLine`].
    pub fn read_all(journal: &str) -> Result<Vec<JournalLine>, serde_json::Error> {
        let whole = journal.rfind('\n').map_or("", |end| &journal[..end]);
        whole.lines().filter(|line| !line.is_empty()).map(serde_json::from_str).collect()
    }
}
