//! How long actions take.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long an action is expected to take, by what it took before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Duration {
    /// The item.
    pub item: String,
    /// What is done.
    pub action: String,
    /// The version that it brings about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The median, in milliseconds.
    pub median_ms: i64,
    /// Of how many.
    pub samples: i32,
    /// When that was learned.
    pub learned_at: Timestamp,
}
