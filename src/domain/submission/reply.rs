//! What is answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::message::SUBMISSION_VERSION;
use crate::domain::ids::{ComputerId, SessionId};

/// The answer to a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Reply to a submission, version 1")]
pub struct ReplyV1 {
    /// The version of this document: 1.
    #[schemars(range(min = 1, max = 1))]
    pub v: u32,
    /// The key of the submission, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub answer: Answer,
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// It was accepted: its sessions are stored and will run.
    Accepted {
        /// One for each computer that has none such already.
        sessions: Vec<MadeSession>,
        /// The sessions that computers had already, for which none was made.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        already: Vec<MadeSession>,
        /// The group that the sessions are tied to, if there are several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<SessionId>,
        /// True if they were made before, by the same submission.
        before: bool,
        /// The tenant's computers that are excluded from maintenance and therefore got none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<String>,
    },
    /// It was refused whole: nothing was made.
    Refused {
        /// Everything that is wrong with it.
        violations: Vec<Violation>,
    },
}

/// A session that a submission made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeSession {
    /// The session.
    pub id: SessionId,
    /// Its computer.
    pub computer_id: ComputerId,
    /// The computer's name.
    pub computer: String,
}

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// Where, as a JSON pointer (RFC 6901); empty for the document as a whole.
    pub pointer: String,
    /// What, for programs: `missing`, `unknown_word`, `unknown_computer` …
    pub code: String,
    /// What and what to do, for people.
    pub message: String,
}

impl Violation {
    /// One violation.
    pub fn new(pointer: impl Into<String>, code: &str, message: impl Into<String>) -> Violation {
        Violation { pointer: pointer.into(), code: code.to_owned(), message: message.into() }
    }
}

impl ReplyV1 {
    /// The answer to the submission with this key.
    pub fn new(key: Option<String>, answer: Answer) -> ReplyV1 {
        ReplyV1 { v: SUBMISSION_VERSION, key, answer }
    }
}
