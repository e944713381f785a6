//! Fleet-wide locks as they are shown.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::SessionId;
use crate::domain::session::Status;

/// A lock: who holds it, and who waits for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LockLine {
    /// Its name.
    pub name: String,
    /// Who holds it; absent for the moment between two holders, and where it is another tenant's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<LockSession>,
    /// Who waits for it, the longest first.
    pub waiters: Vec<LockSession>,
}

/// A session at a lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LockSession {
    /// The session.
    pub session: SessionId,
    /// Its tenant.
    pub tenant: String,
    /// Its computer.
    pub computer: String,
    /// Where it is.
    pub status: Status,
    /// What it is at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Since when it has held the lock or waited for it.
    pub since: Timestamp,
}
