//! A dead letter as it is shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::SessionId;
use crate::domain::words::words;

words! {
    /// What became of a dead letter.
    LetterState {
        /// A person has to look at it.
        Open = "open",
        /// It was worked on again.
        Redriven = "redriven",
        /// It was thrown away.
        Dropped = "dropped",
    }
}

/// A message that the broker gave up on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LetterLine {
    /// Its id.
    pub id: i64,
    /// The queue that put it aside.
    pub queue: String,
    /// When it was taken in.
    pub at: Timestamp,
    /// Why, in the broker's word.
    pub reason: String,
    /// The message's id.
    pub message_id: String,
    /// The session of a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What became of it.
    pub state: LetterState,
    /// Who wants it worked on again, while that has not happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redrive_wanted_by: Option<String>,
    /// Who settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// What came of it, or the reason given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The message's properties and headers; shown alone only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Value>,
    /// The message, what is not UTF-8 replaced; shown alone only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}
