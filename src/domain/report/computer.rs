//! A computer as it is shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::session::{Kind, Status};
use crate::domain::{ComputerId, Connection, Os, ScriptAnswer, SessionId};

/// A computer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComputerLine {
    /// Its id.
    pub id: ComputerId,
    /// Its tenant.
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// Its operating system.
    pub os: Os,
    /// Its processor.
    pub arch: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// How it is reached.
    pub connection: Connection,
    /// True if it is left out of all maintenance.
    pub excluded: bool,
    /// True if an agent's token was minted for it.
    pub has_token: bool,
    /// Its agent's connection; absent if it has none at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence>,
    /// What the scripts of groups have answered on it last, by group; only where it is shown alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, ScriptAnswer>,
    /// The session that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<SessionId>,
    /// Its sessions that are not final, the oldest first, at most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub live: Vec<SessionId>,
    /// The last one that became final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastSession>,
}

/// The connection of a computer's agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Presence {
    /// The gateway that has it.
    pub gateway: String,
    /// The agent's version.
    pub agent_version: String,
    /// Since when.
    pub connected_at: Timestamp,
    /// When it was last heard.
    pub seen_at: Timestamp,
}

/// A computer's last final session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastSession {
    /// The session.
    pub id: SessionId,
    /// What it was for.
    pub kind: Kind,
    /// How it ended.
    pub status: Status,
    /// When.
    pub finished_at: Timestamp,
}

impl ComputerLine {
    /// Whether it can be reached at present; none where nobody can know beforehand.
    pub fn online(&self) -> Option<bool> {
        match self.connection {
            Connection::Agent => Some(self.presence.is_some()),
            Connection::Local { .. } | Connection::Noop => None,
        }
    }
}
