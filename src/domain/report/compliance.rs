//! Compliance as it is shown: lists, counts, what recurs, and the history of one item on one computer.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::compliance::State;
use crate::domain::words::words;
use crate::domain::{ComputerId, SessionId};

/// The verdict on one item of one computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComplianceLine {
    /// The tenant.
    pub tenant: String,
    /// The id of the computer.
    pub computer_id: ComputerId,
    /// The computer.
    pub computer: String,
    /// The item.
    pub item: String,
    /// The deployment that wants it.
    pub deployment: String,
    /// The verdict.
    pub state: State,
    /// Why: a word of a fixed set.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What was detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<String>,
    /// What is wanted: a version, or a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<String>,
    /// Since when the state has been this one.
    pub since: Timestamp,
    /// The session that found it so or made it so.
    pub session: SessionId,
}

/// One page of verdicts, by computer and item; the next one begins after `next`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompliancePage {
    /// The lines.
    pub items: Vec<ComplianceLine>,
    /// What to pass as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Place>,
}

/// Where a page of verdicts ends: written `17:software/editor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Place {
    /// The computer.
    pub computer: ComputerId,
    /// The item.
    pub item: String,
}

/// What should be the end of a page is not.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not where a page ended: COMPUTER-ID:ITEM is expected, as \"next\" gives it")]
pub struct NotAPlace(String);

impl FromStr for Place {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Place, NotAPlace> {
        let parsed = text.split_once(':').and_then(|(computer, item)| Some((computer.parse().ok()?, item)));
        let (computer, item) = parsed.ok_or_else(|| NotAPlace(text.to_owned()))?;
        Ok(Place { computer, item: item.to_owned() })
    }
}

impl TryFrom<String> for Place {
    type Error = NotAPlace;

    fn try_from(text: String) -> Result<Place, NotAPlace> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> String {
        format!("{}:{}", place.computer, place.item)
    }
}

words! {
    /// By what verdicts are counted.
    CountedBy {
        /// By tenant.
        Tenant = "tenant",
        /// By deployment.
        Deployment = "deployment",
        /// By item.
        Item = "item",
    }
}

/// How many verdicts of each state there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComplianceCount {
    /// Of which tenant, deployment or item.
    pub name: String,
    /// On how many computers.
    pub computers: i64,
    /// Items as they should be.
    pub compliant: i64,
    /// Items that are not.
    pub non_compliant: i64,
    /// Items of which it could not be found out.
    pub unknown: i64,
    /// Items on which no verdict is wanted.
    pub not_judged: i64,
}

/// An item that has fallen out of order, or on which actions have failed, in several sessions on one computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recurring {
    /// The tenant.
    pub tenant: String,
    /// The id of the computer.
    pub computer_id: ComputerId,
    /// The computer.
    pub computer: String,
    /// The item.
    pub item: String,
    /// In how many sessions.
    pub sessions: i64,
    /// How often it was found out of order after it had been otherwise.
    pub falls: i64,
    /// How often an action failed.
    pub failures: i64,
    /// The last time.
    pub last: Timestamp,
    /// The last session.
    pub session: SessionId,
    /// The last reasons, the latest first, at most three.
    pub reasons: Vec<String>,
}

/// The history of one item on one computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemHistory {
    /// The present verdict; absent if nobody has judged it, or nothing wants it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<ComplianceLine>,
    /// The last session that looked at it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Looked>,
    /// What was so before, the latest first, at most a hundred.
    pub past: Vec<PastState>,
    /// What was done about it, the latest first, at most a hundred.
    pub actions: Vec<PastAction>,
}

/// A look at an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// When.
    pub at: Timestamp,
    /// By which session.
    pub session: SessionId,
}

/// A state that has come to an end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastState {
    /// The state.
    pub state: State,
    /// Why: a word of a fixed set.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The deployment that wanted the item.
    pub deployment: String,
    /// What was detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<String>,
    /// What was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<String>,
    /// Since when it was so.
    pub since: Timestamp,
    /// The session that found it so or made it so.
    pub session: SessionId,
    /// Until when.
    pub until: Timestamp,
    /// The session that found or made it otherwise.
    pub ended_by: SessionId,
}

/// An action on an item, and how long it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastAction {
    /// Its session.
    pub session: SessionId,
    /// What was done.
    pub action: String,
    /// Why: a word of a fixed set.
    pub why: String,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<String>,
    /// What was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<String>,
    /// How it ended; absent if it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// What happened, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How often it was started.
    pub attempts: i32,
    /// When it was started first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<i64>,
}
