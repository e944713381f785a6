//! What came of asking something of several sessions at once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::SessionId;
use crate::domain::session::Status;

/// What came of cancelling, pausing or resuming several sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Several {
    /// Those that it reached, or would reach.
    pub sessions: Vec<SessionId>,
    /// Those that it changed nothing about, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchanged: Vec<Unchanged>,
    /// True if it was only asked what would be reached.
    #[serde(default)]
    pub dry_run: bool,
}

/// A session that nothing was changed about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchanged {
    /// The session.
    pub session: SessionId,
    /// Why, in a sentence.
    pub why: String,
}

/// What came of running several sessions again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reruns {
    /// Those that are run again, or would be, each with the session that does it.
    pub sessions: Vec<RunAgain>,
    /// The group of the new ones, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<SessionId>,
    /// Those that are not, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchanged: Vec<Unchanged>,
    /// True if it was only asked what would be run again.
    #[serde(default)]
    pub dry_run: bool,
}

/// A session and the one that runs it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAgain {
    /// The session.
    pub session: SessionId,
    /// The one that runs it again; absent while it is only asked what would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun: Option<SessionId>,
    /// True if that one was there already.
    #[serde(default)]
    pub already: bool,
}

/// How many sessions there are, by status, beside how many may run at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCounts {
    /// As of when.
    pub at: Timestamp,
    /// Final sessions are counted from then on.
    pub since: Timestamp,
    /// Sessions by status, those that are not final whenever they were submitted.
    pub sessions: BTreeMap<Status, i64>,
    /// Computers that a session has at present.
    pub running: i64,
    /// How many may be in work at a time; absent: as many as the workers take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_running: Option<i32>,
    /// Sessions that all workers together take at a time, by stage.
    pub places: BTreeMap<String, i64>,
}
