//! What happened to a session: one row of its timeline, which is also the event that others are told.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::session::{Stage, WaitingOn};

/// One thing that happened to a session, and the time that led up to it.
///
/// The stretch from `since` to `at` divides without a gap: `[since, due_at)` the session waited for `waited_on`,
/// `[due_at, admitted_at)` for its turn, `[admitted_at, taken_at)` its job lay in the queue, `[taken_at, at)` a worker
/// had it. A part whose end is absent is the last one; one whose end is not after its beginning has no length.
/// The next transition's `since` is this one's `at`, so that waits and work add up to the session's whole life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transition {
    /// The session's revision after it: the order of a session's transitions.
    pub seq: i32,
    /// What happened.
    pub what: What,
    /// When, by the database's clock.
    pub at: Timestamp,
    /// Where the stretch before it began.
    pub since: Timestamp,
    /// The stage it concerns.
    pub stage: Stage,
    /// The dispatch it concerns.
    pub dispatch: i32,
    /// What the session waited for in the first part of the stretch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_on: Option<WaitingOn>,
    /// When what it waited for had come and only its turn was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// When the dispatch was admitted, if it was in this stretch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted_at: Option<Timestamp>,
    /// When a worker took it, if one did in this stretch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// Who did it: a worker, a person, the scheduler.
    pub by: String,
    /// The reason or the failure, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The span of the publish that the taken job came with, for the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// What can happen to a session. Each has a file of its own in [`crate::lifecycle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was accepted.
    Submitted,
    /// A stage was done; the next one follows.
    Advanced,
    /// A stage failed for a transient reason; it waits for another attempt.
    Retried,
    /// A stage was put off without fault: offline, limits, shut-down.
    Snoozed,
    /// A long step or a reboot goes on at the computer.
    Parked,
    /// What it waited for has come; it may go on.
    Woken,
    /// A worker was lost with it, or its job was: it was let run again.
    Lost,
    /// A cancel was asked for while a worker had it.
    CancelAsked,
    /// A pause was asked for while a worker had it.
    PauseAsked,
    /// It was paused.
    Paused,
    /// It may go on after a pause.
    Resumed,
    /// It became final.
    Finished,
}

impl What {
    /// The spelling in the database and in event names.
    pub const fn as_str(self) -> &'static str {
        match self {
            What::Submitted => "submitted",
            What::Advanced => "advanced",
            What::Retried => "retried",
            What::Snoozed => "snoozed",
            What::Parked => "parked",
            What::Woken => "woken",
            What::Lost => "lost",
            What::CancelAsked => "cancel_asked",
            What::PauseAsked => "pause_asked",
            What::Paused => "paused",
            What::Resumed => "resumed",
            What::Finished => "finished",
        }
    }
}
