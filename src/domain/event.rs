//! The message that tells others what happened to a session.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::session::{Stage, Status};
use super::{ComputerId, SessionId, TenantId};

/// What happened to a session. Published at least once; `id` recognises a repetition, `seq` orders a session's events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The version of this message: 1.
    pub v: u32,
    /// Names the event: the session and its `seq`.
    pub id: String,
    /// The session.
    pub session: SessionId,
    /// Rises with every event of the session; not every number is used.
    pub seq: i32,
    /// The tenant of its computer.
    pub tenant: TenantId,
    /// Its computer.
    pub computer: ComputerId,
    /// What happened: `submitted`, `advanced`, `retried`, `snoozed`, `parked`, `woken`, `lost`, `cancel_asked`,
    /// `pause_asked`, `paused`, `resumed` or `finished`.
    pub what: String,
    /// The session's status after it.
    pub status: Status,
    /// The stage it concerns.
    pub stage: Stage,
    /// When, by the database's clock.
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
    /// The reason or a summary, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Event {
    /// The routing key: `session.<tenant>.<what>`.
    pub fn routing_key(&self) -> String {
        format!("session.{}.{}", self.tenant, self.what)
    }
}
